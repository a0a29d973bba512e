#!/usr/bin/env bash
# What: compiles the decoders of imaging/sandbox from their sources in C to WebAssembly,
# byte for byte the same each time. Sources and compiler are fetched, and held against
# their sums (sources.sha256, requirements.txt), into a folder that is kept.
#
# How to run: scripts/sandbox/build.sh [DECODER]…   (default: all of them)
# Needs python3, patch and an apt-get with Debian 12's sources (deb-src).
# SANDBOX_BUILD is the folder (default: build/sandbox).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
here=scripts/sandbox
build=${SANDBOX_BUILD:-build/sandbox}
mkdir -p "$build"
build=$(cd "$build" && pwd)

# source NAME VERSION ORIG DEBIAN fetches a source package and applies Debian's patches.
source_package() {
	local name=$1 version=$2 orig=$3 debian=$4
	local folder=$build/$name
	[ -e "$folder/.ready" ] && return
	(cd "$build" && apt-get source --download-only --only-source -qq "$name=$version")
	(cd "$build" && grep -F -e "  $orig" -e "  $debian" "$root/$here/sources.sha256" | sha256sum --check --strict --quiet)
	rm -rf "$folder" && mkdir "$folder"
	tar -xf "$build/$orig" -C "$folder" --strip-components=1
	tar -xf "$build/$debian" -C "$folder"
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$folder/debian/patches/series" | while read -r patch; do
		patch --quiet -p1 -d "$folder" -i "debian/patches/$patch"
	done
	touch "$folder/.ready"
}

# Zig brings clang with a libc for WASI.
if ! [ -x "$build/zig/bin/python" ]; then
	python3 -m venv "$build/zig"
	"$build/zig/bin/pip" install --quiet --require-hashes -r "$here/requirements.txt"
fi
# Every function asks now and then whether to go on (sandbox.c). -O2: of -Os, -O2 and -O3
# it decodes fastest; SIMD would ask for more than wazero has on each processor.
flags=(-target wasm32-wasi -O2 -DNDEBUG -finstrument-function-entry-bare -fno-sanitize=all -I"$PWD/$here" -w)
export ZIG_LOCAL_CACHE_DIR="$build/cache" ZIG_GLOBAL_CACHE_DIR="$build/cache"

# compile OUT SOURCE|FLAG… links a decoder and packs it.
compile() {
	local out=$1
	shift
	"$build/zig/bin/python" -m ziglang cc "${flags[@]}" -mexec-model=reactor -Wl,-z,stack-size=262144 \
		-s "$here/sandbox.c" "$@" -o "$build/module.wasm"
	gzip -9 -n <"$build/module.wasm" >"$out"
	echo "$out: $(stat -c %s "$build/module.wasm") bytes, packed $(stat -c %s "$out")"
}

probe() {
	compile imaging/sandbox/testdata/probe.wasm.gz "$here/probe.c"
}

# libjpeg-turbo's decoder, for the decoders of JPEG and of TIFF.
jpeg_sources=(jcomapi jdapimin jdapistd jdarith jaricom jdcoefct jdcolor jddctmgr jdhuff jdinput jdmainct
	jdmarker jdmaster jdmerge jdphuff jdpostct jdsample jerror jidctflt jidctfst jidctint jidctred
	jmemmgr jmemnobs jquant1 jquant2 jutils jsimd_none)

libjpeg() {
	source_package libjpeg-turbo 1:2.1.5-2 libjpeg-turbo_2.1.5.orig.tar.gz libjpeg-turbo_2.1.5-2.debian.tar.xz
	jpeg=(-I"$root/$here/jpeg" -I"$build/libjpeg-turbo" "${jpeg_sources[@]/#/$build/libjpeg-turbo/}")
	local i
	for i in "${!jpeg[@]}"; do
		[ "$i" -ge 2 ] && jpeg[i]+=.c
	done
	return 0
}

jpeg() {
	libjpeg
	compile imaging/sandbox/jpeg.wasm.gz "$here/jpeg/jpeg.c" "${jpeg[@]}"
}

[ $# -gt 0 ] || set -- probe jpeg
for decoder; do
	"$decoder"
done

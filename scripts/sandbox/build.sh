#!/usr/bin/env bash
# What: compiles the decoders of imaging/sandbox from their sources in C to WebAssembly,
# byte for byte the same each time. Sources and compiler are fetched, and held against
# their sums (sources.sha256, requirements.txt), into a folder that is kept.
#
# How to run: scripts/sandbox/build.sh [DECODER]…   (all: probe)
# Needs python3. SANDBOX_BUILD is the folder (default: build/sandbox).
set -euo pipefail
cd "$(dirname "$0")/../.."
here=scripts/sandbox
build=${SANDBOX_BUILD:-build/sandbox}
mkdir -p "$build"
build=$(cd "$build" && pwd)

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

for decoder in "${@:-probe}"; do
	"$decoder"
done

#!/usr/bin/env bash
# What: compiles the decoders of imaging/sandbox from their sources in C to WebAssembly,
# byte for byte the same each time. Sources and compiler are fetched, and held against
# their sums (sources.sha256, requirements.txt), into a folder that is kept.
#
# How to run: scripts/sandbox/build.sh [DECODER]…   (default: all of them)
# Needs python3, patch and an apt-get with Debian 12's sources (deb-src), for hevc and
# av1 Debian 13's.
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
	mkdir -p "$folder/debian/patches" && touch "$folder/debian/patches/series" # a package may have none
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

# Decoders of codings alone; tif_unix.c's part is in tiff.c.
tiff_sources=(aux close codec color compress dir dirinfo dirread dirwrite dumpmode error extension fax3 fax3sm
	flush getimage hash_set jpeg lzw next ojpeg open packbits predict print read strip swab thunder tile
	version warning write zip)
zlib_sources=(adler32 crc32 deflate inflate inffast inftrees trees zutil)
zstd_sources=(common/{debug,entropy_common,error_private,fse_decompress,xxhash,zstd_common}
	decompress/{huf_decompress,zstd_ddict,zstd_decompress,zstd_decompress_block})
lzma_sources=(check/{check,crc32_fast,crc32_table,crc64_fast,crc64_table,sha256}
	common/{block_decoder,block_header_decoder,block_util,common,filter_common,filter_flags_decoder}
	common/{index_hash,stream_decoder,stream_flags_common,stream_flags_decoder,vli_decoder,vli_size}
	delta/{delta_common,delta_decoder} lz/lz_decoder lzma/{lzma_decoder,lzma2_decoder})

libzstd() {
	source_package libzstd 1.5.4+dfsg2-5 libzstd_1.5.4+dfsg2.orig.tar.xz libzstd_1.5.4+dfsg2-5.debian.tar.xz
	local sources=("${zstd_sources[@]/%/.c}")
	objects zstd cc "${sources[*]/#/$build/libzstd/lib/}" -DZSTD_DISABLE_ASM -DZSTD_LEGACY_SUPPORT=0
}

liblzma() {
	source_package xz-utils 5.4.1-1+deb12u2 xz-utils_5.4.1.orig.tar.xz xz-utils_5.4.1-1+deb12u2.debian.tar.xz
	local lib=$build/xz-utils/src/liblzma sources=("${lzma_sources[@]/%/.c}") folder own=()
	for folder in api common check delta lz lzma rangecoder simple ../common; do own+=("-I$lib/$folder"); done
	own+=(-DHAVE_{INTTYPES_H,STDBOOL_H,STDINT_H,STRING_H,DECODERS,DECODER_LZMA2,DECODER_DELTA,CHECK_CRC32,CHECK_CRC64,CHECK_SHA256}=1)
	own+=(-D_WASI_EMULATED_SIGNAL -Dsigset_t=int -D"sigprocmask(how, set, old)=0") # there are no signals
	objects lzma cc "${sources[*]/#/$lib/}" "${own[@]}"
	objects lzma-filter cc "$lib/common/filter_decoder.c" "${own[@]}" -Dlzma_lzma2_props_decode=limited_props # of lzma.c
}

tiff() {
	libjpeg
	source_package tiff 4.5.0-6+deb12u4 tiff_4.5.0.orig.tar.bz2 tiff_4.5.0-6+deb12u4.debian.tar.xz
	source_package zlib 1:1.2.13.dfsg-1 zlib_1.2.13.dfsg.orig.tar.bz2 zlib_1.2.13.dfsg-1.debian.tar.xz
	libzstd
	liblzma
	local sources=() name
	for name in "${tiff_sources[@]}"; do sources+=("$build/tiff/libtiff/tif_$name.c"); done
	for name in "${zlib_sources[@]}"; do sources+=("$build/zlib/$name.c"); done
	compile imaging/sandbox/tiff.wasm.gz -I"$here/tiff" -I"$build/tiff/libtiff" -I"$build/zlib" \
		-I"$build/libzstd/lib" -I"$build/xz-utils/src/liblzma/api" \
		"$here"/tiff/{tiff,compress,zstd,lzma}.c "${sources[@]}" "${jpeg[@]}" "$build"/objects/{zstd,lzma,lzma-filter}/*.o
}

# objects NAME COMPILER SOURCES FLAGS… compiles each source, the flags of one language.
objects() {
	local folder=$build/objects/$1 compiler=$2 sources=$3 source
	shift 3
	rm -rf "$folder" && mkdir -p "$folder"
	for source in $sources; do
		"$build/zig/bin/python" -m ziglang "$compiler" "${flags[@]}" "$@" -c "$source" -o "$folder/$(basename "${source%.*}").o"
	done
}

# libde265 and the part that HEIF files share. Threads, a log and the encoder are left out.
hevc_sources=(bitstream cabac contextmodel de265 deblock decctx dpb fallback fallback-dct fallback-motion image
	intrapred md5 motion nal nal-parser pps quality refpic sao scan sei slice sps threads transform util vps vui
	visualize alloc_pool)

hevc() {
	source_package libde265 1.0.15-1+deb13u2 libde265_1.0.15.orig.tar.gz libde265_1.0.15-1+deb13u2.debian.tar.xz
	local lib=$build/libde265 sources=("${hevc_sources[@]/%/.cc}")
	objects hevc c++ "${sources[*]/#/$lib/libde265/} $here/heif/hevc.cc" -std=c++17 -fno-exceptions -fno-rtti -DHAVE_STDINT_H \
		-DHAVE_POSIX_MEMALIGN -D_WASI_EMULATED_SIGNAL -include "$here/heif/threads.h" -I"$lib"
	objects hevc-c cc "$here/sandbox.c $here/heif/canvas.c"
	link imaging/sandbox/hevc.wasm.gz c++ "$build"/objects/{hevc-c,hevc}/*.o
}

# dav1d without assembly; the templates are compiled for samples of one byte and of two.
av1_sources=(cdf cpu ctx data decode dequant_tables getbits intra_edge itx_1d lf_mask lib log mem msac obu pal picture
	qm ref refmvs scan tables thread_task warpmv wedge)
av1_templates=(cdef_apply cdef fg_apply filmgrain ipred_prepare ipred itx lf_apply loopfilter looprestoration lr_apply mc recon)

av1() {
	source_package dav1d 1.5.1-1 dav1d_1.5.1.orig.tar.xz dav1d_1.5.1-1.debian.tar.xz
	local lib=$build/dav1d sources=("${av1_sources[@]/%/.c}") templates=("${av1_templates[@]/%/_tmpl.c}")
	local own=(-std=c11 -D_GNU_SOURCE -I"$here/heif" -I"$lib" -I"$lib/include" -I"$lib/include/dav1d" -I"$lib/src")
	objects av1 cc "${sources[*]/#/$lib/src/} $here/sandbox.c $here/heif/canvas.c $here/heif/av1.c" "${own[@]}"
	objects av1-8 cc "${templates[*]/#/$lib/src/}" "${own[@]}" -DBITDEPTH=8
	objects av1-16 cc "${templates[*]/#/$lib/src/}" "${own[@]}" -DBITDEPTH=16
	link imaging/sandbox/av1.wasm.gz cc "$build"/objects/{av1,av1-8,av1-16}/*.o
}

# link OUT COMPILER OBJECTS… links a decoder of compiled sources and packs it.
link() {
	local out=$1 compiler=$2
	shift 2
	"$build/zig/bin/python" -m ziglang "$compiler" "${flags[@]}" -mexec-model=reactor -Wl,-z,stack-size=1048576 \
		-s "$@" -o "$build/module.wasm"
	gzip -9 -n <"$build/module.wasm" >"$out"
	echo "$out: $(stat -c %s "$build/module.wasm") bytes, packed $(stat -c %s "$out")"
}

[ $# -gt 0 ] || set -- probe jpeg tiff hevc av1
for decoder; do
	"$decoder"
done

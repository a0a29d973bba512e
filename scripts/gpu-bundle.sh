#!/usr/bin/env bash
# What: makes the GPU bundle, in .bundle/70up: the program built against TensorFlow
#       for CUDA, that TensorFlow, the CUDA libraries, the test data, and what
#       unpacks and checks it all on a machine that has nothing but the driver.
#       docs/gpu.md says how to use it.
# How to run: scripts/gpu-bundle.sh, after scripts/setup.sh --gpu. Settings by
#       environment:
#       PIECE=48M    largest size of a piece
#       ARCHS=       compute capabilities to keep code for, such as "90" for H100
#                    and H200, or "80 89 90", or all; empty for 7.0 and newer. The
#                    pieces are in .bundle/90, .bundle/80_89_90, .bundle/all
#       LEVEL=17     zstd's level for TensorFlow and the program; 12 packs them 5 %
#                    larger in a fifth of the time. The CUDA libraries hardly care
#       CUDA=1       0 leaves out the CUDA libraries (the pieces of part 2), 2 adds
#                    those that TensorFlow opens and this program calls nothing of
#       VERSION=     what the program says it is
#
# What was packed from libraries is kept in .bundle/cache; only the program is
# packed at each run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/gpu-bundle/libraries.sh
. scripts/gpu-bundle/libraries.sh

piece=${PIECE:-48M}
# tensorflow_cards are those that TensorFlow keeps code for, cuda_cards those that
# NVIDIA's libraries keep code for; empty for all.
case ${ARCHS:-} in
  "") name=70up tensorflow_cards=$tensorflow_cards_70up cuda_cards='' ;;
  all) name=all tensorflow_cards='' cuda_cards='' ;;
  *) name=${ARCHS// /_} tensorflow_cards=$ARCHS cuda_cards=$ARCHS ;;
esac
level=${LEVEL:-17}
cuda_level=12
cuda=${CUDA:-1}
version=${VERSION:-$(scripts/version.sh)}

gpu=.tensorflow/gpu
parts=scripts/gpu-bundle
cache=.bundle/cache
pieces=.bundle/$name

say() { printf 'gpu-bundle: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

[ -f "$gpu/.complete" ] || die "there is no TensorFlow for CUDA: run 'make gpu' first"
tensorflow=$(sed -n 's/^tensorflow==\([0-9.]*\).*/\1/p' "$gpu/.complete")
for tool in zstd strip gcc python3 sha256sum; do
  command -v "$tool" >/dev/null || die "$tool is missing"
done
key=$tensorflow-$name-$level

mkdir -p "$cache"
work=$(mktemp -d .bundle/partial.XXXXXX)
trap 'rm -rf "$work"' EXIT

# pack FOLDER FILE LEVEL: the folder's contents as a packed archive, which appears only
# when it is whole. Its files have no owner and no time, so that equal contents make
# equal pieces.
pack() {
  say "packing ${2##*/} ($(du -sm "$1" | cut -f 1) MB) at level $3"
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - . |
    zstd --quiet "-$3" --long=27 --threads=0 -o "$2.partial" --force
  mv "$2.partial" "$2"
}

tensorflow_archive=$cache/tensorflow-$key.tar.zst
pack_tensorflow() {
  [ ! -f "$tensorflow_archive" ] || return 0
  local library
  mkdir -p "$work/tensorflow/lib"
  for library in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do
    strip -o "$work/tensorflow/lib/$library" "$gpu/tensorflow/$library"
    # shellcheck disable=SC2086 # a list
    reduce "$work/tensorflow/lib/$library" $tensorflow_cards
  done
  cp "$gpu/tensorflow/THIRD_PARTY_NOTICES.txt" "$work/tensorflow/lib/"
  pack "$work/tensorflow" "$tensorflow_archive" "$level"
  rm -r "$work/tensorflow"
}

if [ "$cuda" = 2 ]; then
  cuda_libraries+=(
    cufft/lib/libcufft.so.11
    cusolver/lib/libcusolver.so.11
    cusparse/lib/libcusparse.so.12
    nvjitlink/lib/libnvJitLink.so.12
    nccl/lib/libnccl.so.2
    cuda_cupti/lib/libcupti.so.12
  )
fi
# Those that NVIDIA made for all cards are the same for several bundles.
cuda_archive=$cache/cuda$cuda-$tensorflow-${cuda_cards:-all}-$cuda_level.tar.zst
cuda_archive=${cuda_archive// /_}
pack_cuda() {
  [ ! -f "$cuda_archive" ] || return 0
  local library
  for library in "${cuda_libraries[@]}"; do
    mkdir -p "$(dirname "$work/cuda/nvidia/$library")"
    cp "$gpu/nvidia/$library" "$work/cuda/nvidia/$library"
    # shellcheck disable=SC2086
    reduce "$work/cuda/nvidia/$library" $cuda_cards
  done
  pack "$work/cuda" "$cuda_archive" "$cuda_level"
  rm -r "$work/cuda"
}

# build_programs: siamese and siamese-bench of the bundle find TensorFlow in ../lib. Side by
# side in the archive, what both hold is packed once.
build_programs() {
  say "building the programs, $version"
  # shellcheck source=/dev/null
  (
    source .tensorflow/env
    export CGO_CFLAGS="'-I$PWD/$gpu/tensorflow/include' -O2"
    export CGO_LDFLAGS="'-L$PWD/$gpu/tensorflow' '-Wl,-rpath,\$ORIGIN/../lib'"
    go build -trimpath -ldflags "-s -w -X siamese/cmd/internal/cli.Version=$version" -o "$1/bin/" ./cmd/siamese ./cmd/siamese-bench
  )
}

# build_tools FOLDER: check-libs, and the libraries that stand in for those whose
# functions are not called.
build_tools() {
  gcc -O2 -Wall -s -o "$1/bin/check-libs" "$parts/check_libs.c" -ldl
  local stub
  for stub in "${cuda_stubs[@]}"; do make_stub "$1/stubs/${stub##*/}"; done
}

# build_unzstd FILE: for machines without zstd.
build_unzstd() {
  gcc -O2 -Wall -static -s -o "$1" "$parts/unzstd.c" -lzstd ||
    die "unzstd does not link: it needs libzstd's static library (Debian: apt-get install libzstd-dev)"
}

pack_program() {
  local folder=$work/program
  mkdir -p "$folder/bin" "$folder/nvidia/cuda_runtime/lib"
  build_programs "$folder"
  build_tools "$folder"
  cp "$gpu/nvidia/$cuda_runtime" "$folder/nvidia/cuda_runtime/lib/"
  cp "$parts/gpu-check" LICENSE NOTICE THIRD-PARTY.txt "$folder/"
  cp -r testdata "$folder/"
  pack "$folder" "$work/program.tar.zst" "$level"
}

# cut_pieces PART ARCHIVE FILE: the file as numbered pieces, in the manifest.
count=0
cut_pieces() {
  local part=$1 archive=$2 file=$3 cut
  split --bytes="$piece" --numeric-suffixes --suffix-length=3 "$file" "$work/cut."
  for cut in "$work"/cut.*; do
    local name
    name=$(printf 'siamese-gpu.%03d' "$count")
    mv "$cut" "$made/$name"
    echo "$name $part $archive $(stat -c %s "$made/$name")" >>"$made/MANIFEST"
    count=$((count + 1))
  done
}

report() {
  awk '{ size[$2] += $4; pieces[$2]++ } END { for (part in size) printf "part %d: %d pieces, %.1f MB\n", part, pieces[part], size[part] / 1e6 }' "$pieces/MANIFEST" | sort
}

made=$work/pieces
mkdir "$made"
pack_tensorflow
pack_program
cut_pieces 1 program "$work/program.tar.zst"
cut_pieces 1 tensorflow "$tensorflow_archive"
if [ "$cuda" != 0 ]; then
  pack_cuda
  cut_pieces 2 cuda "$cuda_archive"
fi
build_unzstd "$made/unzstd"
cp "$parts/unpack.sh" "$made/"
(cd "$made" && sha256sum -- siamese-gpu.* unzstd unpack.sh MANIFEST >SHA256SUMS)
rm -rf "$pieces"
mv "$made" "$pieces"
report
say "made $pieces"

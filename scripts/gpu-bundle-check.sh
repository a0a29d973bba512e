#!/usr/bin/env bash
# What: whether the GPU bundle works where nothing else is: unpacks it into a
#       new Debian without network and runs it there on the CPU; sees that a
#       damaged and a missing piece are told, that libraries of another major version
#       are mapped and open, and that gpu-check ends politely where there is no GPU.
# How to run: make gpubundle && scripts/gpu-bundle-check.sh [FOLDER OF PIECES]
#       .bundle/70up where none is named. As root, with debootstrap (apt-get install
#       --no-install-recommends debootstrap), which fetches the Debian into
#       .bundle/root once. CPU_PARTS names the parts of siamese-bench gpu that run there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pieces=$(cd "${1:-.bundle/70up}" 2>/dev/null && pwd) || pieces=
root=.bundle/root
# What the CPU form of `siamese-bench gpu` runs.
cpu_parts=${CPU_PARTS:-devices,float32}

say() { printf 'gpu-bundle-check: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

[ -f "$pieces/MANIFEST" ] || die "${1:-.bundle/70up}: there is no bundle: run 'make gpubundle'"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install --no-install-recommends debootstrap"
[ "$(id -u)" = 0 ] || die "this needs root, for chroot"

work=$(mktemp -d)
cleanup() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf "$work" "${root:?}/bundle" "${root:?}/pieces"
}
trap cleanup EXIT

# expect WHAT WORDS FILE: the file has the words.
expect() {
  grep -qF -- "$2" "$3" || {
    cat "$3" >&2
    die "$1: '$2' is missing above"
  }
  say "$1: ok"
}

# only_driver_fails: the rows of check-libs in the log.
only_driver_fails() {
  [ "$(grep '^lib.* FAILED ' "$work/log" | cut -d ' ' -f 1)" = libcuda.so.1 ] || {
    cat "$work/log" >&2
    die "more than the driver fails to open"
  }
}

# part_one FOLDER: the pieces of part 1 alone, as links.
part_one() {
  mkdir -p "$1"
  local piece
  for piece in $(awk '$2 == 1 { print $1 }' "$pieces/MANIFEST") MANIFEST SHA256SUMS unpack.sh unzstd; do
    ln -s "$pieces/$piece" "$1/$piece"
  done
}

check_sizes() {
  awk '{ total += $4; if ($2 == 1) first += $4 }
    END { printf "gpu-bundle-check: first pieces %.1f MB, all %.1f MB\n", first / 1e6, total / 1e6; exit first > 300e6 || total > 1.6e9 }' \
    "$pieces/MANIFEST" >&2 || die "the bundle is larger than 300 MB and 1.6 GB"
}

check_pieces() {
  part_one "$work/pieces"
  rm "$work/pieces/siamese-gpu.000"
  "$work/pieces/unpack.sh" "$work/out" >"$work/log" 2>&1 && die "a missing piece is not noticed"
  expect "a missing piece" "these pieces are missing: siamese-gpu.000" "$work/log"
  cp "$pieces/siamese-gpu.000" "$work/pieces/"
  printf 'x' | dd of="$work/pieces/siamese-gpu.000" bs=1 seek=1000 conv=notrunc status=none
  "$work/pieces/unpack.sh" "$work/out" >"$work/log" 2>&1 && die "a damaged piece is not noticed"
  expect "a damaged piece" "a piece is damaged" "$work/log"
  ln -sf "$pieces/siamese-gpu.000" "$work/pieces/siamese-gpu.000"
  rm "$work/pieces/SHA256SUMS"
  "$work/pieces/unpack.sh" "$work/out" >"$work/log" 2>&1 && die "missing checksums are not noticed"
  expect "missing checksums" "SHA256SUMS is missing" "$work/log"
  ln -s "$pieces/SHA256SUMS" "$work/pieces/"
}

# check_folders: what is no bundle's stays.
check_folders() {
  mkdir -p "$work/local/cuda/lib64"
  "$work/pieces/unpack.sh" "$work/local" >"$work/log" 2>&1 && die "a folder cuda of something else is not noticed"
  expect "a folder cuda of something else" "cuda is not this bundle's" "$work/log"
  [ -d "$work/local/cuda/lib64" ] || die "a folder cuda of something else is deleted"
  "$work/pieces/unpack.sh" "$work/nothing" --relink >"$work/log" 2>&1 && die "--relink takes a folder without a bundle"
  expect "--relink without a bundle" "no bundle is unpacked in" "$work/log"
  "$work/pieces/unpack.sh" "$work/out" --cuda-libs "" >"$work/log" 2>&1 && die "an empty folder name is not noticed"
  expect "--cuda-libs without a folder" "--cuda-libs needs a folder" "$work/log"
}

# library FOLDER NAME [NEEDED]: an empty library of that name.
library() {
  mkdir -p "$1"
  gcc -shared -s -nostdlib -x c -Wl,-soname,"$2" -o "$1/$2" /dev/null -x none ${3:+-Wl,--no-as-needed "$1/$3"}
}

# check_mapping: libraries of CUDA 13 as pip lays them out, each asking for others
# by name, stand in for those of CUDA 12; a missing one gets an empty one.
check_mapping() {
  local libraries="$work/site packages/nvidia" part
  library "$libraries/cu13/lib" libcublasLt.so.13
  library "$libraries/cu13/lib" libcublas.so.13 libcublasLt.so.13
  library "$libraries/cu13/lib" libcufft.so.12
  library "$libraries/cu13/lib" libcusparse.so.12
  library "$libraries/cudnn/lib" libcudnn.so.9
  for part in graph ops cnn heuristic engines_precompiled; do library "$libraries/cudnn/lib" "libcudnn_$part.so.9"; done
  # $work has the bundle in it, too.
  "$work/pieces/unpack.sh" "$work/out" --cuda-libs "$work" >"$work/log" 2>&1
  expect "another version" "libcublas.so.12          mapped     $libraries/cu13/lib/libcublas.so.13" "$work/log"
  expect "the same version" "libcusparse.so.12        found" "$work/log"
  expect "none at all" "libcusolver.so.11        STUB" "$work/log"
  bundle=$work/out sh -c '. "$bundle/env.sh"; "$bundle/bin/check-libs"' >"$work/log" 2>&1 || true
  expect "a mapped library opens" "ok $libraries/cu13/lib/libcublas.so.13" "$work/log"
  expect "a stub opens" "ok $work/out/stubs/libcusolver.so.11" "$work/log"
  expect "the driver is missed" "FAILED libcuda.so.1" "$work/log"
  only_driver_fails
  mv "$work/out" "$work/it's \$HOME"
  "$pieces/unpack.sh" "$work/it's \$HOME" --relink --cuda-libs "$libraries" >"$work/log" 2>&1
  # shellcheck disable=SC2016 # the inner shell's
  LD_LIBRARY_PATH=/usr/local/nvidia/lib64 sh -c '. "$1/env.sh"; echo "$LD_LIBRARY_PATH"' sh "$work/it's \$HOME" >"$work/log"
  expect "any folder's name" "$work/it's \$HOME/lib:" "$work/log"
  expect "folders of libraries that were set before" ":/usr/local/nvidia/lib64" "$work/log"
  mv "$work/it's \$HOME" "$work/out"
  ! ldd "$work/out/bin/siamese" | grep -F "$PWD" || die "the program finds libraries of this folder"
  say "the program's libraries are the bundle's own: ok"
}

make_root() {
  [ ! -f "$root/.made" ] || return 0
  say "fetching a Debian (once)"
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    die "debootstrap failed"
  }
  touch "$root/.made"
}

# inside COMMAND: in the new Debian, without network.
inside() { unshare --net chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin /bin/sh -c "$1"; }

check_root() {
  make_root
  rm -rf "${root:?}/bundle" "${root:?}/pieces"
  cp -rL "$pieces" "$root/pieces"
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  inside "/pieces/unpack.sh /bundle" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "the bundle does not unpack in an empty Debian"
  }
  rm -rf "$root/pieces"
  inside "cd /bundle/testdata/omniglot/Greek && /bundle/bin/siamese compare character01/0394_01.png character01/0394_02.png" >"$work/log" 2>&1
  expect "two pictures compared in an empty Debian" "0.9996 same" "$work/log"
  inside "/bundle/gpu-check" >"$work/log" 2>&1 || say "gpu-check without a GPU ends with $?"
  expect "gpu-check without a GPU" "no GPU" "$work/log"
  if grep -q ' 2 ' "$pieces/MANIFEST"; then
    only_driver_fails
    say "the bundle's CUDA libraries open: ok"
  fi
  inside "/bundle/gpu-check --device cpu --parts $cpu_parts --min-time 200ms" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    die "gpu-check --device cpu failed"
  }
  say "gpu-check --device cpu: ok"
}

python3 scripts/gpu_fatbins_test.py
check_sizes
check_pieces
check_folders
check_mapping
check_root
say "all well"

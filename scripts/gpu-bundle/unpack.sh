#!/bin/sh
# What: joins the pieces of the GPU bundle, checks them and unpacks them, and maps
#       the CUDA libraries that TensorFlow asks for to those that this machine has.
#       Needs a POSIX shell, coreutils, findutils and tar; no network, no root.
# How to run: ./unpack.sh DIR                       all pieces
#             ./unpack.sh DIR --cuda-libs FOLDER    the pieces of part 1, and CUDA
#                                                   libraries found below FOLDER
#             ./unpack.sh DIR --relink --cuda-libs FOLDER   only map again
#
# --cuda-libs may be given several times; the first folder that has a library
# wins. A library of another major version is taken where the one asked for is
# missing. Then: DIR/gpu-check.
set -eu

say() { printf 'unpack: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

pieces=$(cd "$(dirname "$0")" && pwd)
target=
relink=
folders=
while [ $# -gt 0 ]; do
  case $1 in
    --cuda-libs)
      [ -n "${2:-}" ] || die "--cuda-libs needs a folder"
      found=$(cd "$2" 2>/dev/null && pwd) || die "--cuda-libs names $2, which is no folder"
      folders="$folders$found
"
      shift
      ;;
    --relink) relink=1 ;;
    -*) die "unknown option $1: see the head of this script" ;;
    *)
      [ -z "$target" ] || die "one folder to unpack into, not two: $target and $1"
      target=$1
      ;;
  esac
  shift
done
[ -n "$target" ] || die "say where to: ./unpack.sh DIR [--cuda-libs FOLDER]"
[ -z "$relink" ] || [ -x "$target/bin/check-libs" ] || die "--relink: no bundle is unpacked in $target"
mkdir -p "$target"
target=$(cd "$target" && pwd)
# It is made again below. One with more in it than links was not made here.
if [ -L "$target/cuda" ] || [ -n "$(find "$target/cuda" -mindepth 1 ! -type l 2>/dev/null)" ]; then
  die "$target/cuda is not this bundle's: unpack into a folder of its own"
fi

# MANIFEST has a line for each piece: name, part, archive, bytes.
archives() { awk '!seen[$3]++ { print $3, $2 }' "$pieces/MANIFEST"; }
pieces_of() { awk -v archive="$1" '$3 == archive { print $1 }' "$pieces/MANIFEST"; }

# unpack_archive ARCHIVE PART: checks its pieces and unpacks them. Pieces of the
# second part may be missing all together.
unpack_archive() {
  present=0
  missing=
  for piece in $(pieces_of "$1"); do
    if [ -f "$pieces/$piece" ]; then present=$((present + 1)); else missing="$missing $piece"; fi
  done
  if [ "$present" = 0 ] && [ "$2" != 1 ]; then
    say "$1: its pieces are not here ($(echo "$missing" | wc -w)): left out"
    return
  fi
  [ -z "$missing" ] || die "$1: these pieces are missing:$missing"
  sums=$(mktemp)
  for piece in $(pieces_of "$1"); do
    grep -F "  $piece" "$pieces/SHA256SUMS" >>"$sums" || die "SHA256SUMS has no line for $piece: carry it again"
  done
  (cd "$pieces" && sha256sum --quiet --check "$sums" >&2) || {
    rm -f "$sums"
    die "$1: a piece is damaged: carry it again"
  }
  rm -f "$sums"
  # Each program of the pipe tells its failure on the descriptor 3.
  status=$(
    exec 3>&1
    for piece in $(pieces_of "$1"); do cat "$pieces/$piece"; done |
      { "$unzstd" || echo "unzstd: $?" >&3; } |
      { tar -C "$target" -xf - --no-same-owner || echo "tar: $?" >&3; }
  )
  [ -z "$status" ] || die "$1 does not unpack ($status)"
  say "$1: $present pieces unpacked"
}

if [ -z "$relink" ]; then
  for file in MANIFEST SHA256SUMS unzstd; do
    [ -f "$pieces/$file" ] || die "$file is missing beside the pieces"
  done
  unzstd=$pieces/unzstd
  if [ ! -x "$unzstd" ]; then
    # A copy that lost its mode, or lies where nothing may be run.
    unzstd=$target/unzstd
    cp "$pieces/unzstd" "$unzstd"
    chmod +x "$unzstd"
  fi
  while read -r archive part; do
    unpack_archive "$archive" "$part"
  done <<END
$(archives)
END
  rm -f "$target/unzstd"
fi

# The bundle's own empty libraries are not found, should it lie below such a folder.
# find_library STEM: the library of the highest version below the first folder
# that has one: "libcublas" → …/libcublas.so.13.
find_library() {
  printf '%s' "$folders" | while read -r folder; do
    find -L "$folder" -path "$target" -prune -o -name "$1.so.*" -type f -print 2>/dev/null |
      sed -n "s|^\(.*/$1\.so\.\([0-9.]*\)\)\$|\2 \1|p" | sort -k 1,1V | tail -n 1 | cut -d ' ' -f 2-
  done | head -n 1
}

# find_exact NAME: a file of that name below the first folder that has one.
find_exact() {
  printf '%s' "$folders" | while read -r folder; do
    find -L "$folder" -path "$target" -prune -o -name "$1" -type f -print 2>/dev/null | sort | head -n 1
  done | head -n 1
}

link() { ln -sf "$1" "$target/cuda/$2"; }
row() { printf '  %-24s %-10s %s\n' "$@"; }

# map NAME USE: finds the library that TensorFlow opens as NAME. USE: needed
# (its functions run), opened (TensorFlow takes no GPU unless it can be opened,
# but this program calls none of its functions), or spare (opened only by what
# this program does not do).
map() {
  stem=${1%%.so.*}
  for own in "$target"/nvidia/*/lib/"$1"; do
    if [ -e "$own" ]; then
      row "$1" bundle "${own#"$target"/}"
      return
    fi
  done
  path=$(find_exact "$1")
  if [ -n "$path" ]; then
    link "$path" "$1"
    row "$1" found "$path"
    return
  fi
  path=$(find_library "$stem")
  if [ -n "$path" ]; then
    link "$path" "$1"
    row "$1" mapped "$path (another version)"
    return
  fi
  case $2 in
    opened)
      ln -sf "../stubs/$1" "$target/cuda/$1"
      row "$1" STUB "an empty library: this program calls none of its functions"
      ;;
    spare) row "$1" "-" "not found; not needed: this program calls none of its functions" ;;
    needed)
      row "$1" MISSING "TensorFlow will take no GPU without it"
      failed=1
      ;;
  esac
}

rm -rf "$target/cuda"
mkdir "$target/cuda"
failed=
echo "CUDA libraries that TensorFlow opens:"
map libcudart.so.12 needed
map libcublas.so.12 needed
map libcublasLt.so.12 needed
map libcudnn.so.9 needed
map libcufft.so.11 opened
map libcusolver.so.11 opened
map libcusparse.so.12 opened
map libcupti.so.12 spare
map libnccl.so.2 spare
map libnvshmem_host.so.3 spare

# What those ask for by name lies in the folders where they were found; a link's
# own folder is not searched for it.
search=
add() {
  case ":$search:" in *":$1:"*) ;; *) search="$search:$1" ;; esac
}
for library in "$target"/cuda/*; do
  [ -L "$library" ] || continue
  path=$(readlink "$library")
  case $path in /*) add "$(dirname "$path")" ;; esac
done
for stem in libnvrtc libnvJitLink; do
  path=$(find_library "$stem")
  [ -z "$path" ] || add "$(dirname "$path")"
done

# quoted TEXT: as a shell reads it back.
quoted() { printf '%s' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"; }
# What was in LD_LIBRARY_PATH before comes last: some machines have the driver's libraries there.
cat >"$target/env.sh" <<END
# Written by unpack.sh; gpu-check reads it. Set bundle before where the folder moved.
[ -n "\${bundle:-}" ] || bundle=$(quoted "$target")
earlier="\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
LD_LIBRARY_PATH="\$bundle/lib:\$bundle/cuda"
for folder in "\$bundle"/nvidia/*/lib; do
  [ ! -d "\$folder" ] || LD_LIBRARY_PATH="\$LD_LIBRARY_PATH:\$folder"
done
LD_LIBRARY_PATH="\$LD_LIBRARY_PATH"$(quoted "$search")"\$earlier"
export LD_LIBRARY_PATH
END
if [ -n "$failed" ]; then
  say "some libraries are missing (see above): unpack the pieces of part 2, or name folders by --cuda-libs"
fi
say "unpacked into $target; next: $target/gpu-check"

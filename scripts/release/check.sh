#!/usr/bin/env bash
# What: whether what 'make release' made in dist/ works where nothing else is, and is made
#       again as the same bytes: sums and bills of materials, the tarball in an empty
#       folder, deb and rpm in a new Debian without network, the image under runc, lintian,
#       and a second build in a clone elsewhere. What can't be checked here says why.
# How to run: make release && scripts/release/check.sh [CHECK...], all where none is named:
#       sums sbom tarball deb rpm image lintian webcam again
#       deb, rpm and image need root. The Debian is fetched once, into .tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/release/common.sh
. scripts/release/common.sh
# shellcheck source=scripts/release/check-root.sh
. scripts/release/check-root.sh
# shellcheck source=scripts/release/check-image.sh
. scripts/release/check-image.sh

dist=${DIST:-$PWD/dist}
[ -f "$dist/SHA256SUMS" ] || die "there is no release in $dist: run 'make release'"
work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  runc --root "$work/runc" delete --force siamese-check >/dev/null 2>&1 || true
  unmount_root
  rm -rf "$work"
}
trap cleanup EXIT

# Two drawings of one character and two photographs, and what the built-in models say of
# them.
pictures=$work/pictures
mkdir "$pictures"
cp testdata/omniglot/Greek/character01/0394_0[12].png testdata/photos/{cat,rocket}.jpg "$pictures/"
drawings="0.9996 same"
photographs="0.0075 different"

# The packages of the flavours that are there.
packages() { find "$dist" -maxdepth 1 -name '*.deb' | sed -n 's,.*/\(siamese\(-cuda\)\?\)_.*,\1,p' | sort; }

# one PATTERN: the one file in dist that matches.
one() {
  local found
  found=$(find "$dist" -maxdepth 1 -name "$1")
  [ "$(wc -l <<<"$found")" = 1 ] && [ -n "$found" ] || die "expected one $1 in $dist, found ${found:-none}"
  echo "$found"
}

# expect WHAT WORDS FILE: the file has the words.
expect() {
  grep -qF -- "$2" "$3" || {
    cat "$3" >&2
    die "$1: '$2' is missing above"
  }
  say "$1: ok"
}

# left_out WHAT TOOL PACKAGE...: reports whether a tool is missing, and says so.
left_out() {
  local what=$1
  shift
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || {
      say "$what is not checked: $1 is missing: apt-get install --no-install-recommends $2"
      return 0
    }
    shift 2
  done
  return 1
}

# not_root WHAT
not_root() { [ "$(id -u)" != 0 ] && say "$1 is not checked: it needs root"; }

check_sums() {
  (cd "$dist" && sha256sum --quiet --check SHA256SUMS)
  [ "$(find "$dist" -type f ! -name SHA256SUMS | wc -l)" = "$(wc -l <"$dist/SHA256SUMS")" ] || die "SHA256SUMS does not list every file"
  say "checksums: ok"
}

# check_sbom: the bills of a flavour and of its image, against CycloneDX's own schema where
# its validator is installed; always that each library is named, with its hash.
check_sbom() {
  local package
  for package in $(packages); do
    mkdir -p "$work/sbom"
    tar -C "$work/sbom" --strip-components 1 -xzf "$(one "$package-$version-linux-amd64.tar.gz")"
    python3 scripts/release/sbom_check.py "$(one "$package-$version.cdx.json")" "$work/sbom"
    python3 scripts/release/sbom_check.py "$(one "$package-$version-oci.cdx.json")" "$work/sbom"
    rm -rf "$work/sbom"
    say "$package: the bill of materials has each library: ok"
  done
}

# check_tarball: in a folder with a space, and an empty environment.
check_tarball() {
  local package folder="$work/a folder"
  for package in $(packages); do
    mkdir "$folder"
    tar -C "$folder" --strip-components 1 -xzf "$(one "$package-$version-linux-amd64.tar.gz")"
    env -i "$folder/bin/siamese" --version >"$work/log"
    expect "$package tarball: version" "siamese $version, TensorFlow" "$work/log"
    env -i TMPDIR="$work" "$folder/bin/siamese" compare "$pictures/0394_01.png" "$pictures/0394_02.png" >"$work/log" 2>&1
    expect "$package tarball: two pictures compared with an empty environment" "$drawings" "$work/log"
    env -i TMPDIR="$work" "$folder/bin/siamese-doctor" --addr unix:"$work/doctor" --http-addr '' >"$work/log" || { cat "$work/log" >&2 && die "$package tarball: siamese-doctor finds a problem"; }
    expect "$package tarball: siamese-doctor tries the models" "its golden pairs hold" "$work/log"
    ldd "$folder/bin/siamese" >"$work/log"
    expect "$package tarball: its own TensorFlow" "$folder/bin/../lib/siamese/tensorflow/libtensorflow_cc.so.2" "$work/log"
    [ ! -d "$folder/lib/siamese/nvidia" ] || check_cuda "$folder/lib/siamese"
    rm -rf "$folder"
  done
}

# check_cuda LIB: CUDA's libraries open by TensorFlow's own run path, from where it opens
# them; all but the driver's.
check_cuda() {
  local run_path
  run_path=$(readelf -dW "$1/tensorflow/libtensorflow_framework.so.2" "$1/tensorflow/libtensorflow_cc.so.2" |
    sed -n 's/.*runpath: \[\(.*\)\]/\1/p' | paste -sd :)
  gcc -O2 -Wall -o "$1/tensorflow/check-libs" scripts/gpu-bundle/check_libs.c -Wl,-rpath,"$run_path" -ldl
  "$1/tensorflow/check-libs" >"$work/log" 2>&1 || true
  [ "$(grep '^lib.* FAILED ' "$work/log" | cut -d ' ' -f 1)" = libcuda.so.1 ] || {
    cat "$work/log" >&2
    die "more than the driver fails to open"
  }
  say "CUDA's libraries open, all but the driver's: ok"
}

# It takes minutes to read TensorFlow's libraries.
lintian_patience=15m
# Nobody's address is one until MAINTAINER is set.
lintian_accepts=bogus-mail-host,bogus-mail-host-in-debian-changelog

check_lintian() {
  left_out "lintian" lintian lintian && return
  local package
  for package in $(packages) siamese-webcam; do
    [ -n "$(find "$dist" -name "${package}_*.deb")" ] || continue
    timeout "$lintian_patience" lintian --allow-root --fail-on error --suppress-tags "$lintian_accepts" \
      --tag-display-limit 0 "$(one "${package}_*.deb")" || {
      [ $? = 124 ] || die "lintian finds errors in $package"
      die "lintian on $package takes more than $lintian_patience"
    }
    say "lintian on $package: no errors"
  done
}

# check_webcam: the libraries of this system and its packages; nothing of the folder that it
# was built in. It has no flag for its version, its manual says it.
check_webcam() {
  local package program=$work/webcam/usr/bin/siamese-webcam
  package=$(find "$dist" -name 'siamese-webcam_*.deb')
  [ -n "$package" ] || { say "siamese-webcam is not checked: it was not built" && return; }
  dpkg-deb -x "$package" "$work/webcam"
  ! ldd "$program" | grep 'not found' || die "siamese-webcam misses a library of this system"
  ! readelf -dW "$program" | grep -E 'R(UN)?PATH' || die "siamese-webcam looks for libraries in a folder of its own"
  apt-get install --simulate --no-install-recommends "$package" >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "siamese-webcam does not install here"; }
  say "siamese-webcam: what it depends on can be installed: ok"
  env -i "$program" --man "$work/webcam-man"
  sed 's/\\-/-/g' "$work/webcam-man/siamese-webcam.1" >"$work/log"
  expect "siamese-webcam starts" "siamese-webcam $version" "$work/log"
}

# check_again: a clone in another folder, built with nothing of Go's cache. Packages of
# single languages, which 'make releaseall' adds, are built twice by their own checks.
check_again() {
  [[ $version != *dirty* ]] || { say "the second build is left out: the tree has changes, a clone would not" && return; }
  local clone=$work/elsewhere/clone file flavours
  flavours=$(packages | sed 's/^siamese$/cpu/; s/^siamese-//' | xargs)
  git clone --quiet --no-hardlinks . "$clone"
  git -C "$clone" checkout --quiet "$(git rev-parse HEAD)"
  cp -a .tensorflow .tools "$clone/" # absolute paths within are of no consequence
  # shellcheck disable=SC2086 # a list
  GOCACHE=$work/elsewhere/cache "$clone/scripts/release/release.sh" $flavours
  for file in "$dist"/*; do
    [[ $file != *.@(whl|tgz|jar|pom) && $file != */siamese_client-*.tar.gz ]] || continue
    [[ $file != */SHA256SUMS ]] || continue # of the bytes that are compared
    cmp "$file" "$clone/dist/${file##*/}" || die "${file##*/} differs between two builds of one commit"
    say "built again, the same bytes: ${file##*/}"
  done
}

all="sums sbom tarball deb rpm image lintian webcam again"
[ $# -gt 0 ] || read -ra everything <<<"$all"
set -- "$@" "${everything[@]}"
for check; do
  [[ " $all " == *" $check "* ]] || die "$check is no check, expected one of $all"
done
for check; do
  "check_$check"
done
say "all well, $SECONDS s"

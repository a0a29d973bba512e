# What: deb and rpm of a staged tree, by nfpm. Sourced, after common.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh

# deb_depends LIBRARIES FILE...: Debian's packages of what the files are linked with, but
# for those in the folder of libraries that are packed with them.
deb_depends() {
  local folder=$work/shlibs libraries=$1
  shift
  mkdir -p "$folder/debian"
  : >"$folder/debian/control"
  (cd "$folder" && dpkg-shlibdeps --ignore-missing-info "-l$libraries" -O "${@/#/-e}" 2>"$work/shlibs.log") |
    sed -n 's/^shlibs:Depends=//p' | grep . || {
    grep -v warning "$work/shlibs.log" >&2
    die "dpkg-shlibdeps says no package"
  }
}

# rpm_depends FILE...: the newest version of each of the system's symbols that the files
# ask for, as rpm-based distributions name them.
rpm_depends() {
  local file
  for file in "$@"; do readelf -VW "$file"; done |
    awk '/Version needs section/ { on = 1 } /^$/ { on = 0 }
      on && / File: / { library = $0; sub(/.* File: /, "", library); sub(/ .*/, "", library) }
      on && / Name: (GLIBC|GLIBCXX|CXXABI|GCC)_[0-9.]+ / { name = $0; sub(/.* Name: /, "", name); sub(/ .*/, "", name)
        kind = name; sub(/_.*/, "", kind); print library, kind, name }' |
    sort -k 1,2 -k 3,3V | awk '{ newest[$1 " " $2] = $1 "(" $3 ")(64bit)" } END { for (key in newest) print newest[key] }' |
    sort | paste -sd , | sed 's/,/, /g'
}

# fill TEMPLATE NAME=VALUE...: the template with each @NAME@ replaced.
fill() {
  local text pair
  text=$(<"$1")
  shift
  for pair in "$@"; do text=${text//"@${pair%%=*}@"/"${pair#*=}"}; done
  [[ $text != *@[A-Z_]*@* ]] || die "a word of the template is not replaced: $(grep -o '@[A-Z_]*@' <<<"$text")"
  printf '%s\n' "$text"
}

# pack KIND CONFIGURATION FILE
pack() {
  say "packing ${3##*/}"
  .tools/bin/nfpm package --packager "$1" --config "$2" --target "$3" >"$work/nfpm.log" || {
    cat "$work/nfpm.log" >&2
    die "nfpm failed"
  }
}

# make_packages FLAVOUR STAGE
make_packages() {
  local package other summary provides files kind deb_needs rpm_needs licence=
  package=$(package_of "$1")
  files=("$2/usr/bin/siamese" "$2"/usr/lib/siamese/tensorflow/*.so.2)
  case $1 in
    cpu) other=siamese-cuda provides='' summary='image-similarity server over gRPC, with TensorFlow inside' ;;
    cuda) other=siamese provides="siamese (= $deb_version)" summary='image-similarity server over gRPC, with TensorFlow for CUDA inside' ;;
  esac
  deb_needs=$(deb_depends "$2/usr/lib/siamese/tensorflow" "${files[@]}")
  rpm_needs=$(rpm_depends "${files[@]}")
  for kind in deb rpm; do
    # rpm writes what Debian writes "a (= b)" as "a = b", and has a field of the licence,
    # which Debian has in a file.
    [ $kind = deb ] || provides=${provides//[()]/} licence=Apache-2.0
    fill deploy/release/nfpm.yaml PACKAGE="$package" LICENSE="$licence" VERSION="$deb_version" MAINTAINER="$maintainer" \
      TIME="$(date --utc --date="@$SOURCE_DATE_EPOCH" +%FT%TZ)" SUMMARY="$summary" PROVIDES="$provides" OTHER="$other" \
      STAGE="$2" DEB_DEPENDS="$deb_needs" RPM_DEPENDS="$rpm_needs" >"$work/nfpm.yaml"
    case $kind in
      deb) pack deb "$work/nfpm.yaml" "$dist/${package}_${deb_version}_amd64.deb" ;;
      rpm) pack rpm "$work/nfpm.yaml" "$dist/$package-$deb_version-1.x86_64.rpm" ;;
    esac
  done
}

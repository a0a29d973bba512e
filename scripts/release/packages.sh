# What: deb and rpm of a staged tree, by nfpm. Sourced, after common.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh

# needed_symbols FILE...: a line for each of the system's libraries and the newest version
# of its symbols that the files ask for: "libc.so.6 GLIBC_2.34".
needed_symbols() {
  local file
  for file in "$@"; do readelf -VW "$file"; done |
    awk '/Version needs section/ { on = 1 } /^$/ { on = 0 }
      on && / File: / { library = $0; sub(/.* File: /, "", library); sub(/ .*/, "", library) }
      on && / Name: (GLIBC|GLIBCXX|CXXABI|GCC)_[0-9.]+ / { name = $0; sub(/.* Name: /, "", name); sub(/ .*/, "", name)
        kind = name; sub(/_.*/, "", kind); print library, kind, name }' |
    sort -k 1,2 -k 3,3V | awk '{ newest[$1 " " $2] = $1 " " $3 } END { for (key in newest) print newest[key] }' | sort
}

# rpm_depends FILE...: as rpm-based distributions name them.
rpm_depends() { needed_symbols "$@" | sed 's/\(.*\) \(.*\)/\1(\2)(64bit)/' | paste -sd , | sed 's/,/, /g'; }

# deb_depends FILE...: the packages that have them, by Debian's lists of symbols.
# dpkg-shlibdeps comes to the same, but reads all of TensorFlow's symbols for minutes.
deb_depends() {
  needed_symbols "$@" >"$work/needed"
  awk 'FNR == NR { wanted[$1 " " $2 "@" $2] = 1; next }
    /^[^ |*]/ { library = $1; package = $2 }
    /^ / && (library " " $1) in wanted { print package, $2 }' "$work/needed" /var/lib/dpkg/info/*.symbols |
    sort -k 1,1 -k 2,2V | awk '{ newest[$1] = $2 } END { for (key in newest) print key " (>= " newest[key] ")" }' |
    sort | paste -sd , | sed 's/,/, /g' | grep . || die "no package of Debian's is known to have $(xargs <"$work/needed")"
}

# shlib_depends FILE...: by dpkg-shlibdeps, for libraries without versions of symbols.
shlib_depends() {
  local folder=$work/shlibs
  mkdir -p "$folder/debian"
  : >"$folder/debian/control"
  (cd "$folder" && dpkg-shlibdeps -O "${@/#/-e}" 2>"$work/shlibs.log") | sed -n 's/^shlibs:Depends=//p' | grep . || {
    cat "$work/shlibs.log" >&2
    die "dpkg-shlibdeps says no package"
  }
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
  .tools/bin/nfpm package --packager "$1" --config "$2" --target "$3" >"$work/nfpm-$1.log" || {
    cat "$work/nfpm-$1.log" >&2
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
  deb_needs=$(deb_depends "${files[@]}")
  rpm_needs=$(rpm_depends "${files[@]}")
  for kind in deb rpm; do
    # rpm writes what Debian writes "a (= b)" as "a = b", and has a field of the licence,
    # which Debian has in a file.
    [ $kind = deb ] || provides=${provides//[()]/} licence=Apache-2.0
    fill deploy/release/nfpm.yaml PACKAGE="$package" LICENSE="$licence" VERSION="$deb_version" MAINTAINER="$maintainer" \
      TIME="$(date --utc --date="@$SOURCE_DATE_EPOCH" +%FT%TZ)" SUMMARY="$summary" PROVIDES="$provides" OTHER="$other" \
      STAGE="$2" DEB_DEPENDS="$deb_needs" RPM_DEPENDS="$rpm_needs" >"$work/nfpm-$kind.yaml"
    case $kind in
      deb) pack deb "$work/nfpm-$kind.yaml" "$dist/${package}_${deb_version}_amd64.deb" ;;
      rpm) pack rpm "$work/nfpm-$kind.yaml" "$dist/$package-$deb_version-1.x86_64.rpm" ;;
    esac
  done
}

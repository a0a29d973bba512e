#!/usr/bin/env bash
# What: makes a release in dist/: tarball, deb, rpm and OCI image of each flavour, the
#       webcam client's deb, bills of materials and SHA256SUMS. docs/releases.md says
#       what is in them. The same commit gives the same bytes, in any folder, with the
#       same toolchain.
# How to run: make release (FLAVOURS="cpu cuda"), which gets the tools first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/release/common.sh
. scripts/release/common.sh
# shellcheck source=scripts/release/stage.sh
. scripts/release/stage.sh
# shellcheck source=scripts/release/packages.sh
. scripts/release/packages.sh
# shellcheck source=scripts/release/image.sh
. scripts/release/image.sh

# What a shell has set for cgo, such as by .tensorflow/env, would go into the programs.
unset CGO_CFLAGS CGO_CPPFLAGS CGO_CXXFLAGS CGO_LDFLAGS

# Tags of the webcam client.
WEBCAM=${WEBCAM:-$(sed -n 's/^WEBCAM := //p' Makefile)}

flavours=${*:-cpu}
for flavour in $flavours; do
  [[ $flavour =~ ^(cpu|cuda)$ ]] || die "$flavour is no flavour, expected cpu or cuda"
done
need strip binutils dpkg-shlibdeps dpkg-dev buildah buildah gcc gcc python3 python3
[[ $version != *dirty* ]] || say "the tree has changes: this is no release, and not to be made again"

dist=$PWD/dist
rm -rf "$dist"
mkdir "$dist"
work=$(mktemp -d "$dist/partial.XXXXXX")
trap 'rm -rf "$work"' EXIT

# make_tarball FLAVOUR STAGE: unpacks into one folder, from which it runs.
make_tarball() {
  local name
  name=$(package_of "$1")-$version-linux-amd64
  say "packing $name.tar.gz"
  archive "$2" usr --transform "s,^usr,$name," | gzip -n -6 >"$dist/$name.tar.gz"
}

# make_webcam: where OpenCV is. Its packages have other names in each distribution.
make_webcam() {
  if ! pkg-config --exists opencv4; then
    say "siamese-webcam is left out: OpenCV is missing: apt-get install --no-install-recommends libopencv-dev"
    return
  fi
  local stage=$work/webcam system doc deb_needs
  system=$(. /etc/os-release && echo "$ID$VERSION_ID")
  doc=$stage/usr/share/doc/siamese-webcam
  say "building siamese-webcam for $system"
  build_program ./cmd/siamese-webcam "$stage/usr/bin/siamese-webcam" -tags "$WEBCAM"
  stage_documents "$doc" siamese-webcam ""
  go_sbom "$stage/usr/bin/siamese-webcam" "$work/webcam.cdx.json"
  python3 scripts/release/sbom.py "$work/webcam.cdx.json" "$doc/sbom.cdx.json" --name siamese-webcam --version "$version"
  "$stage/usr/bin/siamese-webcam" --man "$stage/usr/share/man/man1"
  gzip -n -9 "$stage"/usr/share/man/man1/*
  completion_files "$stage/usr" siamese-webcam "$stage/usr/bin/siamese-webcam" --completion
  normalise "$stage"
  deb_needs=$(shlib_depends "$stage/usr/bin/siamese-webcam")
  fill deploy/release/nfpm-webcam.yaml VERSION="$deb_version" MAINTAINER="$maintainer" STAGE="$stage" \
    TIME="$(date --utc --date="@$SOURCE_DATE_EPOCH" +%FT%TZ)" \
    DEB_DEPENDS="$deb_needs" >"$work/webcam.yaml"
  pack deb "$work/webcam.yaml" "$dist/siamese-webcam_${deb_version}_$system.amd64.deb"
}

build_programs "$work/programs" "$(scripts/setup.sh --fetch cpu)/tensorflow"
for flavour in $flavours; do
  stage "$flavour" "$work/$flavour" "$work/programs"
  # Side by side, as most of it is packing on one core.
  make_tarball "$flavour" "$work/$flavour" & jobs=$!
  make_packages "$flavour" "$work/$flavour" & jobs+=" $!"
  make_image "$flavour" "$work/$flavour" & jobs+=" $!"
  for job in $jobs; do wait "$job" || die "a part of the release failed: see above"; done
  package=$(package_of "$flavour")
  cp --no-preserve=timestamps "$work/$flavour/usr/share/doc/$package/sbom.cdx.json" "$dist/$package-$version.cdx.json"
  rm -rf "${work:?}/$flavour"
done
make_webcam
rm -rf "$work"
(cd "$dist" && sha256sum -- * >"$dist/SHA256SUMS")
say "$version, $SECONDS s:"
(cd "$dist" && stat -c '%s %n' -- *) | awk '{ printf "%9.1f MB  %s\n", $1 / 1e6, $2 }'

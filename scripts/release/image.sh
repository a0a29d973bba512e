# What: the OCI image of a staged tree, by buildah: the tree, the libraries of the system
#       that it is linked with, the authorities of certificates, and nothing else; no
#       shell. Sourced, after common.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh

# The user of the image, by number: what runs it can see that it is not root.
image_user=65532

# system_libraries FILE...: what the loader takes from the system for them, and itself.
system_libraries() {
  local file
  for file in "$@"; do ldd "$file"; done |
    sed -n 's/.*\( => \|^\t\)\(\/[^ ]*\) (0x.*/\2/p' | grep -v '/lib/siamese/' | sort -u
}

# debian_package FILE: the package that brought it. dpkg may know it by the folder that
# /lib was before /usr took it in.
debian_package() {
  { dpkg-query -S "$1" 2>/dev/null || dpkg-query -S "${1#/usr}" 2>/dev/null || dpkg-query -S "/usr$1" 2>/dev/null; } |
    head -n 1 | cut -d : -f 1 | grep . || die "$1 is of no Debian package: the image is built on Debian or Ubuntu"
}

# image_system ROOT FILE...: the system's files below ROOT; the packages on standard output.
image_system() {
  local root=$1 library package
  shift
  mkdir -p "$root/usr/lib" "$root/usr/lib64" "$root/etc/ssl/certs" "$root/tmp"
  ln -s usr/lib "$root/lib"
  ln -s usr/lib64 "$root/lib64"
  for library in $(system_libraries "$@"); do
    mkdir -p "$root/$(dirname "$library")"
    cp -L "$library" "$root/$library"
    debian_package "$library"
  done | sort -u >"$work/image.packages"
  while read -r package; do
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  done <"$work/image.packages"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  mkdir -p "$root/usr/share/doc/ca-certificates"
  cp -L /usr/share/doc/ca-certificates/copyright "$root/usr/share/doc/ca-certificates/"
  echo ca-certificates >>"$work/image.packages"
  printf 'root:x:0:0::/:/nonexistent\nsiamese:x:%s:%s::/:/nonexistent\n' $image_user $image_user >"$root/etc/passwd"
  printf 'root:x:0:\nsiamese:x:%s:\n' $image_user >"$root/etc/group"
}

# in_storage COMMAND...: buildah with a storage of its own, which leaves nothing behind.
in_storage() {
  buildah --root "$work/storage" --runroot "$work/storage.run" --storage-driver vfs "$@"
}

# image_layout PACKAGE ROOT LAYOUT: an OCI layout of one layer.
image_layout() {
  local container
  container=$(in_storage from --pull-never scratch)
  in_storage copy --quiet "$container" "$2" / >/dev/null
  in_storage config --user $image_user:$image_user --workingdir / --stop-signal SIGTERM \
    --entrypoint '["/usr/bin/siamese"]' --cmd serve --port 50051/tcp --port 8080/tcp \
    --env PATH=/usr/bin --env SIAMESE_ADDR=0.0.0.0:50051 --env SIAMESE_HTTP_ADDR=0.0.0.0:8080 \
    --label org.opencontainers.image.title="$1" --label org.opencontainers.image.version="$version" \
    --label org.opencontainers.image.revision="$(git rev-parse HEAD)" \
    --label org.opencontainers.image.created="$(date --utc --date="@$SOURCE_DATE_EPOCH" +%FT%TZ)" \
    --label org.opencontainers.image.licenses=Apache-2.0 \
    --label org.opencontainers.image.description="image-similarity server over gRPC, with TensorFlow inside" \
    "${image_settings[@]}" "$container"
  in_storage commit --quiet --format oci --disable-compression=false --timestamp "$SOURCE_DATE_EPOCH" "$container" "oci:$3:$oci_tag" >/dev/null
}

# make_image FLAVOUR STAGE
make_image() {
  local package root=$work/image layout=$work/layout
  package=$(package_of "$1")
  say "packing the image $package"
  image_settings=()
  # What NVIDIA's container runtime asks an image for.
  [ "$1" = cpu ] || image_settings=(--env NVIDIA_VISIBLE_DEVICES=all --env NVIDIA_DRIVER_CAPABILITIES=compute,utility)
  mkdir -p "$root" "$layout"
  image_system "$root" "$2/usr/bin/siamese" "$2"/usr/lib/siamese/tensorflow/*.so.2
  # A copy: links would change the files' state while they are packed beside this.
  cp -a "$2/usr" "$root/"
  rm "$root/usr/share/doc/$package/sbom.cdx.json"
  mapfile -t packages <"$work/image.packages"
  python3 scripts/release/sbom.py "$work/go.cdx.json" "$root/usr/share/doc/$package/sbom.cdx.json" \
    --name "$package" --version "$version" --tree "$2/usr" --debian "${packages[@]}"
  cp "$root/usr/share/doc/$package/sbom.cdx.json" "$dist/$package-$version-oci.cdx.json"
  normalise "$root"
  chmod 1777 "$root/tmp"
  image_layout "$package" "$root" "$layout"
  archive "$layout" . >"$dist/$package-$version.oci.tar"
  rm -rf "$root" "$layout" "$work/storage" "$work/storage.run"
}

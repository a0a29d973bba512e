# What: the trees that the packages hold: DIR/usr with the program, TensorFlow, what it
#       asks for, licences and manuals. Sourced, after common.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh
# shellcheck source=scripts/gpu-bundle/libraries.sh
. scripts/gpu-bundle/libraries.sh

# The two parts of TensorFlow's library.
tensorflow_libraries=(libtensorflow_cc.so.2 libtensorflow_framework.so.2)

# build_program MAIN FILE FLAG...: an executable that is the same bytes wherever it is
# built: no path of this folder, and no ids, which are made from such paths. The commit
# is in its version; Go's own stamp is left out, as Go finds none in a worktree.
build_program() {
  local main=$1 file=$2
  shift 2
  GOFLAGS='' go build -trimpath -buildvcs=false "$@" \
    -ldflags "-s -w -buildid= -B none -X siamese/cmd/internal/cli.Version=$version" -o "$file" "$main"
}

# build_programs FOLDER TENSORFLOW: siamese finds TensorFlow by its own place, so that the
# tree may lie anywhere; siamese-doctor is linked with nothing, so that it runs where
# TensorFlow can't be loaded. Both flavours hold the same programs.
build_programs() {
  say "building siamese and siamese-doctor $version"
  CGO_CFLAGS="'-I$2/include' -O2" \
    CGO_LDFLAGS="'-L$2' '-Wl,-rpath,\$ORIGIN/../lib/siamese/tensorflow'" \
    build_program ./cmd/siamese "$1/siamese"
  CGO_ENABLED=0 build_program ./cmd/siamese-doctor "$1/siamese-doctor"
}

# stage_tensorflow LIB TENSORFLOW FLAVOUR: its libraries without symbols that only a
# debugger wants, and without code for cards that CUDA 12 is giving up.
stage_tensorflow() {
  local library
  mkdir -p "$1/tensorflow"
  for library in "${tensorflow_libraries[@]}"; do
    strip -o "$1/tensorflow/$library" "$2/$library"
    # shellcheck disable=SC2086 # a list
    [ "$3" = cpu ] || reduce "$1/tensorflow/$library" $tensorflow_cards_70up
    chmod 644 "$1/tensorflow/$library"
  done
}

# stage_cuda LIB GPU: CUDA's libraries where TensorFlow's run path looks for them.
stage_cuda() {
  local library
  for library in "${cuda_libraries[@]}" "$cuda_runtime"; do
    mkdir -p "$(dirname "$1/nvidia/$library")"
    cp "$2/nvidia/$library" "$1/nvidia/$library"
  done
  for library in "${cuda_stubs[@]}"; do make_stub "$1/nvidia/$library"; done
}

# stage_cuda_licences DOC GPU: NVIDIA's terms, of each package whose libraries are there.
stage_cuda_licences() {
  local package licence
  mkdir -p "$1/nvidia"
  for package in cublas cuda_nvrtc cuda_runtime cudnn; do
    licence=$(find "$2" -path "*/nvidia_${package}_cu12-*.dist-info/*" -name License.txt)
    [ -f "$licence" ] || die "the licence of NVIDIA's $package is missing in $2: remove that folder, it is fetched again"
    cp "$licence" "$1/nvidia/$package.txt"
  done
}

# stage_documents DOC PACKAGE TENSORFLOW: licences of all that is contained, and what
# Debian expects beside them.
stage_documents() {
  mkdir -p "$1"
  cp NOTICE THIRD-PARTY.txt tfmodel/builtin/ATTRIBUTION-flower_photos.txt "$1/"
  cp LICENSE "$1/LICENSE.txt"
  cp testdata/omniglot/LICENSE "$1/LICENSE-omniglot.txt"
  [ -z "$3" ] || cp "$3/THIRD_PARTY_NOTICES.txt" "$1/TENSORFLOW-NOTICES.txt"
  cp deploy/release/copyright "$1/copyright"
  {
    printf '%s (%s) unstable; urgency=medium\n\n  * Built from commit %s.\n\n' "$2" "$deb_version" "$(git rev-parse HEAD)"
    printf ' -- %s  %s\n' "$maintainer" "$(date --utc --date="@$SOURCE_DATE_EPOCH" --rfc-email)"
  } | gzip -n -9 >"$1/changelog.gz"
}

# stage_manuals USR: man pages and completion as the program itself writes them. That it
# runs at all shows that the libraries beside it load. siamese-doctor(1) is the page of
# the subcommand, which siamese-doctor hands over to.
stage_manuals() {
  "$1/bin/siamese" --version >/dev/null || die "the program does not start with the libraries beside it"
  "$1/bin/siamese" man --out "$1/share/man/man1"
  completion_files "$1" siamese "$1/bin/siamese" completion
  gzip -n -9 "$1"/share/man/man1/*
}

# completion_files USR NAME COMMAND...: COMMAND with a shell's name prints its script.
completion_files() {
  local usr=$1 name=$2
  shift 2
  mkdir -p "$usr/share/bash-completion/completions" "$usr/share/zsh/site-functions" "$usr/share/fish/vendor_completions.d"
  "$@" bash >"$usr/share/bash-completion/completions/$name"
  "$@" zsh >"$usr/share/zsh/site-functions/_$name"
  "$@" fish >"$usr/share/fish/vendor_completions.d/$name.fish"
}

# stage_service USR FLAVOUR: the unit; a tarball has it to be copied.
stage_service() {
  local folder=$1/lib/systemd/system
  mkdir -p "$folder"
  cp deploy/systemd/siamese.service "$folder/"
  [ "$2" = cpu ] || install -D -m 644 deploy/release/gpu.conf "$folder/siamese.service.d/gpu.conf"
}

# stage FLAVOUR DIR PROGRAMS: all of it, with the programs of that folder.
stage() {
  local flavour=$1 usr=$2/usr package tensorflow gpu
  package=$(package_of "$flavour")
  say "putting together $package"
  gpu=$(scripts/setup.sh --fetch "${flavour/cuda/gpu}")
  tensorflow=$gpu/tensorflow
  mkdir -p "$usr/bin"
  cp "$3/siamese" "$3/siamese-doctor" "$usr/bin/"
  stage_tensorflow "$usr/lib/siamese" "$tensorflow" "$flavour"
  stage_documents "$usr/share/doc/$package" "$package" "$tensorflow"
  if [ "$flavour" = cuda ]; then
    stage_cuda "$usr/lib/siamese" "$gpu"
    stage_cuda_licences "$usr/share/doc/$package" "$gpu"
  fi
  stage_manuals "$usr"
  stage_service "$usr" "$flavour"
  write_sbom "$package" "$usr"
  normalise "$2"
}

# write_sbom PACKAGE USR: a bill of materials, of what the tree holds.
write_sbom() {
  go_sbom "$2/bin/siamese" "$work/go.cdx.json"
  python3 scripts/release/sbom.py "$work/go.cdx.json" "$2/share/doc/$1/sbom.cdx.json" \
    --name "$1" --version "$version" --tree "$2"
}

# go_sbom PROGRAM FILE: of the Go modules that a program contains, as it says itself.
go_sbom() {
  .tools/bin/cyclonedx-gomod bin -json -output "$2" -version "$version" -licenses -assert-licenses \
    -std -noserial -notimestamp "$1" 2>"$work/sbom.log" || { cat "$work/sbom.log" >&2 && die "cyclonedx-gomod failed"; }
}

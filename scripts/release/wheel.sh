#!/usr/bin/env bash
# What: the wheel of the program, siamese-server, in dist/: the program without
#       TensorFlow, which pip installs beside it. Two builds of a commit are the same
#       bytes. Prints the wheel's path.
# How to run: scripts/release/wheel.sh [DIST]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

dist=${1:-dist}
tensorflow_version=$(sed -n 's/^version=//p' scripts/setup.sh)
version=$(scripts/version.sh)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC

# The library to link with; headers and library are those of the same wheel that pip
# will install.
source .tensorflow/env
lib=$(sed -n "s/^export CGO_LDFLAGS=\"'-L\([^']*\)'.*/\1/p" .tensorflow/env)
[ -e "$lib/libtensorflow_cc.so.2" ] || {
  echo "wheel: $lib has no libtensorflow_cc.so.2, the library of TensorFlow's wheel: unset TENSORFLOW_DIR and run 'make setup'" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$work/siamese_server
mkdir -p "$package/bin" "$work/licenses"
flags=(-trimpath -buildvcs=false -ldflags "-s -w -buildid= -B none -X siamese/cmd/internal/cli.Version=$version")
# site-packages/siamese_server/bin → site-packages/tensorflow
CGO_LDFLAGS="'-L$lib' '-Wl,-rpath,\$ORIGIN/../../tensorflow'" GOFLAGS='' \
  go build "${flags[@]}" -o "$package/bin/siamese" ./cmd/siamese
CGO_ENABLED=0 GOFLAGS='' go build "${flags[@]}" -o "$package/bin/siamese-doctor" ./cmd/siamese-doctor
cp scripts/release/wheel/*.py "$package/"
cp LICENSE NOTICE THIRD-PARTY.txt "$work/licenses/"
python3 scripts/release/wheel.py "$work" "$(scripts/version.sh pep440)" "$tensorflow_version" "$dist"

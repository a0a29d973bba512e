#!/usr/bin/env bash
# What: installs the wheel of the program in a new virtual environment, with the
#       TensorFlow that it asks for, and uses it; builds it again and compares bytes.
#       It fetches TensorFlow's wheel (some 270 MB) with what that asks for.
# How to run: scripts/release/wheel-check.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

die() {
  echo "wheel-check: $*" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wheel=$(scripts/release/wheel.sh "$work/first")
again=$(scripts/release/wheel.sh "$work/second")
cmp "$wheel" "$again" || die "two builds are not the same bytes"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel"
cd "$work" # so that nothing of this folder is found
run() { env -i HOME="$work" PATH=/usr/bin:/bin "$@"; }
said=$(run venv/bin/siamese --version)
[[ $said == "siamese "*"TensorFlow"* ]] || die "siamese --version says $said"
echo "$said"
photos=$OLDPWD/testdata/photos
said=$(run venv/bin/siamese compare "$photos/cat.jpg" "$photos/cat_copy.jpg")
[[ $said == "1.0000 same"* ]] || die "siamese compare says $said, expected 1.0000 same"
echo "$said"
said=$(run venv/bin/siamese-doctor --addr 127.0.0.1:0 --http-addr 127.0.0.1:0 --model omniglot) || die "siamese-doctor says $said"
grep '^ok *library' <<<"$said"
run venv/bin/python -m siamese_server --version >/dev/null || die "python -m siamese_server does not work"
# Without the library both say what is missing and how to get it.
rm venv/lib/python*/site-packages/tensorflow/libtensorflow_cc.so.2
said=$(run venv/bin/siamese --version 2>&1) && die "siamese starts without TensorFlow: $said"
[[ $said == *"pip install --force-reinstall siamese-server"* ]] || die "without TensorFlow siamese says $said"
said=$(run venv/bin/siamese-doctor 2>&1) && die "siamese-doctor finds nothing without TensorFlow: $said"
[[ $said == *"libtensorflow_cc.so.2, not found"*"pip install --force-reinstall siamese-server"* ]] || die "without TensorFlow siamese-doctor says $said"
echo "wheel-check: $(basename "$wheel") installs and works; two builds are the same bytes"

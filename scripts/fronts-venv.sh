#!/usr/bin/env bash
# What: makes a virtual environment of Python in .fronts/NAME with the packages of
#       scripts/fronts/requirements-NAME.txt, each by its hash, unless it is there.
# How to run: scripts/fronts-venv.sh NAME
# Ends with 77 and a line on standard error where Python or the packages can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
requirements=scripts/fronts/requirements-$name.txt
environment=.fronts/$name
cmp -s "$requirements" "$environment/requirements.txt" && exit 0

fail() {
  echo "$1" >&2
  exit 77
}
command -v python3 >/dev/null || fail "python3 is missing: apt-get install python3 python3-venv"
rm -rf "$environment"
python3 -m venv "$environment" || fail "python3 makes no virtual environment: apt-get install python3-venv"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
  --requirement "$requirements" || fail "the packages of $requirements can't be had from PyPI, see above (they are for Python 3.11 to 3.13)"
cp "$requirements" "$environment/requirements.txt"

#!/usr/bin/env bash
# What: builds the wheel and the source distribution: the same bytes from the same
#       commit, whatever the machine's clock, umask and files' times. The time in them is
#       SOURCE_DATE_EPOCH, else the last commit's.
# How to run: client/python/package.sh [FOLDER]       (default: client/python/dist)
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/dist}")
cd "$(dirname "$0")"

source venv.sh
prepare build/venv requirements-dev.txt
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct -- .)
fi
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"
build/venv/bin/python - "$out" <<'PYTHON'
import sys
from flit_core import buildapi

for build in (buildapi.build_wheel, buildapi.build_sdist):
    print(f"{sys.argv[1]}/{build(sys.argv[1])}")
PYTHON

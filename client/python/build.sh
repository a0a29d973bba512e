#!/usr/bin/env bash
# What: makes what conformance.sh runs: a virtual environment with the client in it.
#       Ends with 77 where there is no Python for it.
# How to run: client/python/build.sh
set -euo pipefail
cd "$(dirname "$0")"

source venv.sh
need_python
prepare build/venv requirements-dev.txt

#!/usr/bin/env bash
# What: makes what the runners of TensorFlow Serving's protocol need: its client in .venv/.
# How to run: by make conformance. Ends with 77 where the client can't be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

command -v python3 >/dev/null || { echo "python3 is missing: apt-get install python3 python3-venv" >&2; exit 77; }
source scripts/keras-venv.sh >&2 || { echo "TensorFlow Serving's client could not be fetched from PyPI, see above" >&2; exit 77; }

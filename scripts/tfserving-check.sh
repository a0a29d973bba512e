#!/usr/bin/env bash
# What: has TensorFlow Serving's own client (tensorflow-serving-api) call a real server
#       over gRPC, and a plain program by REST, and holds the answers against those of the
#       same SavedModel run by TensorFlow in Python: the same program, another address.
#       The client comes into .venv/; where it can't be had, it says so and ends well.
# How to run: scripts/tfserving-check.sh [PROGRAM]   (default bin/siamese)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-bin/siamese}
if ! source scripts/keras-venv.sh; then
  echo "TensorFlow Serving's client is left out: it could not be fetched from PyPI, see above"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" export --model general "$work/general/1"
"$python" scripts/tfserving_check.py "$program" "$work/general"

#!/usr/bin/env bash
# What: runs testdata/conformance by the Python client, one line of JSON a case.
# How to run: client/python/conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE [aio]
set -euo pipefail
folder=$(dirname "$0")
PYTHONPATH=$folder exec "$folder/build/venv/bin/python" "$folder/conformance.py" "$@"

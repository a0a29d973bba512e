#!/usr/bin/env bash
# What: runs testdata/conformance by tritonclient.http; build.sh makes what it needs.
# How to run: server/oip/conformance/http.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
set -euo pipefail
here=$(dirname "$0")
exec "$here/../../../.fronts/triton/bin/python" "$here/runner.py" http "$@"

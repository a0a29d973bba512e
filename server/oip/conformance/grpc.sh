#!/usr/bin/env bash
# What: runs testdata/conformance by tritonclient.grpc; build.sh makes what it needs.
# How to run: server/oip/conformance/grpc.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
set -euo pipefail
here=$(dirname "$0")
exec "$here/../../../.fronts/triton/bin/python" "$here/runner.py" grpc "$@"

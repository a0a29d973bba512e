#!/usr/bin/env bash
# What: runs the cases of conformance over TensorFlow Serving's protocol, REST.
# How to run: rest.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE (testdata/conformance/README.md)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

exec "$root/.venv/bin/python" "$root/server/tfserving/conformance/runner.py" rest "$@"

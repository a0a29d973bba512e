#!/usr/bin/env bash
# What: answers the cases of testdata/conformance by the client for browsers, in Chromium.
# How to run: client/typescript/conformance-web.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
#             after client/typescript/build-web.sh
set -euo pipefail
exec node "$(dirname "${BASH_SOURCE[0]}")/build/test/conformance/web.js" "$@"

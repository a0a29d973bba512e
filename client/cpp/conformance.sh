#!/usr/bin/env bash
# What: the runner of testdata/conformance by the C++ client.
# How to run: client/cpp/conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
#             after client/cpp/build.sh. The client speaks gRPC alone.
set -euo pipefail
[[ $# == 3 ]] || { echo "usage: conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE" >&2; exit 2; }
exec "$(dirname "${BASH_SOURCE[0]}")/build/conformance/conformance" "$1" "$3"

#!/usr/bin/env bash
# What: the runner of testdata/conformance by the Rust client.
# How to run: client/rust/conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
#             after client/rust/build.sh. The client speaks gRPC alone.
set -euo pipefail
[[ $# == 3 ]] || { echo "usage: conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE" >&2; exit 2; }
target=${CARGO_TARGET_DIR:-$(dirname "${BASH_SOURCE[0]}")/target}
exec "$target/debug/siamese-conformance" "$1" "$3"

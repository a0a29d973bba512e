#!/usr/bin/env bash
# What: the runner of testdata/conformance by the Java client.
# How to run: client/java/conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
#             after client/java/build.sh. The client speaks gRPC alone.
set -euo pipefail
[[ $# == 3 ]] || { echo "usage: conformance.sh GRPC_ADDRESS HTTP_ADDRESS CASES_FILE" >&2; exit 2; }
build=$(dirname "${BASH_SOURCE[0]}")/build
exec java -cp "$build/classes:$build/test-classes:$(<"$build/classpath")" siamese.client.Conformance "$1" "$3"

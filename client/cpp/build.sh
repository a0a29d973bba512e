#!/usr/bin/env bash
# What: builds the C++ client and its conformance runner into client/cpp/build.
# How to run: client/cpp/build.sh
#             Ends with 77 where the compiler or a library is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages="g++ cmake ninja-build pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libssl-dev nlohmann-json3-dev doctest-dev"
missing() { echo "the C++ client is not built: $1 is missing (apt-get install --no-install-recommends $packages)" >&2; exit 77; }
for tool in g++ cmake ninja pkg-config protoc grpc_cpp_plugin; do
	type "$tool" >/dev/null 2>&1 || missing "$tool"
done
for library in grpc++ protobuf libcrypto nlohmann_json; do
	pkg-config --exists "$library" || missing "$library"
done

cmake -S . -B build -G Ninja -DSIAMESE_STRICT=ON -DSIAMESE_CONFORMANCE=ON >/dev/null
cmake --build build

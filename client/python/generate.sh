#!/usr/bin/env bash
# What: makes siamese_client/_gen, the contract's Python, by grpc_tools.protoc at the
#       versions of requirements-generate.txt, which pip fetches into build/generate.
#       They are not the newest: code that an older protoc makes runs with later
#       protobuf and grpcio, not the other way round.
# How to run: client/python/generate.sh [--check]
#             --check makes it elsewhere and fails where what is committed differs.
set -euo pipefail
cd "$(dirname "$0")"

source venv.sh
prepare build/generate requirements-generate.txt

committed=siamese_client/_gen
out=$committed
if [ "${1:-}" = --check ]; then
  out=build/generated
fi
proto=../../proto
rm -rf "$out"
mkdir -p "$out"
(cd "$proto" && ls siamese/v1/*.proto) | LC_ALL=C sort | sed "s|^|$proto/|" |
  xargs build/generate/bin/python -m grpc_tools.protoc -I"$proto" --python_out="$out" --pyi_out="$out" --grpc_python_out="$out"
# Only the services' files have calls; of the others protoc makes empty ones.
find "$out" -name '*_pb2_grpc.py' ! -name service_pb2_grpc.py ! -name gallery_pb2_grpc.py -delete
# protoc imports from the root of the proto files, which is no package of ours. The
# files' own names stay as they are: the descriptor pool knows messages by them.
find "$out" -name '*.py' -o -name '*.pyi' | xargs sed -i \
  -e 's/^from siamese\.v1 import/from siamese_client._gen.siamese.v1 import/' \
  -e "s/DESCRIPTOR, 'siamese\.v1\./DESCRIPTOR, 'siamese_client._gen.siamese.v1./"
for folder in "$out" "$out/siamese" "$out/siamese/v1"; do
  echo '"""Made by generate.sh from proto/; do not edit."""' >"$folder/__init__.py"
done

if [ "$out" != "$committed" ] && ! diff -r -x __pycache__ "$committed" "$out"; then
  echo "client/python/$committed has drifted from proto/: commit what client/python/generate.sh makes" >&2
  exit 1
fi

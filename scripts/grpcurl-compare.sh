#!/usr/bin/env bash
# What: compares two image files through a running server and prints its reply.
# How to run: scripts/grpcurl-compare.sh A B
#             SIAMESE_SERVER=host:port for a server elsewhere; TLS and token: see
#             scripts/grpcurl-common.sh.
set -euo pipefail
source "$(dirname "$0")/grpcurl-common.sh"

if [ $# -ne 2 ]; then
  echo "usage: $0 A B" >&2
  exit 2
fi
need_files "$@"
printf '{"image_a":%s,"image_b":%s}' "$(image "$1")" "$(image "$2")" | call Compare

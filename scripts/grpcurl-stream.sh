#!/usr/bin/env bash
# What: streams image files to a running server and scores each against a
#       reference. Prints one line a file as its answer comes: the file, the
#       similarity and the verdict, or what is wrong with it.
# How to run: scripts/grpcurl-stream.sh REFERENCE FILES...
#             SIAMESE_SERVER=host:port for a server elsewhere; TLS and token: see
#             scripts/grpcurl-common.sh.
set -euo pipefail
source "$(dirname "$0")/grpcurl-common.sh"

if [ $# -lt 2 ]; then
  echo "usage: $0 REFERENCE FILES..." >&2
  exit 2
fi
need_files "$@"
reference=$1
shift

# messages: the opening with the reference, then a frame a file.
messages() {
  printf '{"opening":{"references":[{"name":"reference","image":%s}]}}\n' "$(image "$reference")"
  local id=0 file
  for file in "$@"; do
    id=$((id + 1))
    printf '{"frame":{"id":%d,"image":%s}}\n' "$id" "$(image "$file")"
  done
}

# answers FILE...: replies keep the order of the frames, so that the n-th is the
# n-th file's.
answers() {
  awk '
    function value(line) { sub(/^[^:]*: */, "", line); sub(/,$/, "", line); gsub(/^"|"$/, "", line); gsub(/\\"/, "\"", line); return line }
    BEGIN { for (i = 1; i < ARGC; i++) { file[i] = ARGV[i]; delete ARGV[i] } }
    /"frameScored": \{/ { item = "frame"; answered++ }
    /"itemFailed": \{/  { item = "failed"; about = "reference" }
    item == "failed" && /^    "id":/ { about = file[++answered] }
    item == "frame" && /"similarity":/ { similarity = value($0) }
    item == "frame" && /"same":/       { printf "%s\t%.4f\t%s\n", file[answered], similarity, value($0) == "true" ? "same" : "different"; item = ""; fflush() }
    item == "failed" && /"reason":/    { reason = value($0) }
    item == "failed" && /"message":/   { printf "%s\terror\t%s: %s\n", about, reason, value($0); item = ""; fflush() }
  ' "$@"
}

messages "$@" | call StreamCompare | answers "$@"

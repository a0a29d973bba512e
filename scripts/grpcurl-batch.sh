#!/usr/bin/env bash
# What: compares many pairs of image files through a running server, in as few
#       BatchCompare calls as its limits allow. Prints one line a pair: both
#       files, the similarity and the verdict, or what is wrong with the pair.
# How to run: scripts/grpcurl-batch.sh pairs.tsv
#             Each line of pairs.tsv names two files, separated by a tab; further
#             columns are ignored. SIAMESE_SERVER=host:port for a server elsewhere;
#             TLS and token: see scripts/grpcurl-common.sh.
set -euo pipefail
source "$(dirname "$0")/grpcurl-common.sh"

if [ $# -ne 1 ]; then
  echo "usage: $0 pairs.tsv" >&2
  exit 2
fi
need_files "$1"
max_pairs=64
max_bytes=$((12 * 1024 * 1024))

# outcomes: one line a result of a BatchCompareResponse.
outcomes() {
  awk '
    function value(line) { sub(/^[^:]*: */, "", line); sub(/,$/, "", line); gsub(/^"|"$/, "", line); gsub(/\\"/, "\"", line); return line }
    /"score": \{/      { item = "score" }
    /"error": \{/      { item = "error" }
    item == "score" && /"similarity":/ { similarity = value($0) }
    item == "score" && /"same":/       { printf "%.4f\t%s\n", similarity, value($0) == "true" ? "same" : "different"; item = "" }
    item == "error" && /"reason":/     { reason = value($0) }
    item == "error" && /"message":/    { print "error\t" reason ": " value($0); item = "" }
  '
}

# send: the pairs gathered so far as one call.
send() {
  if [ ${#names[@]} -eq 0 ]; then
    return
  fi
  local reply
  reply=$( (
    separator='{"pairs":['
    for name in "${names[@]}"; do
      printf '%s{"image_a":%s,"image_b":%s}' "$separator" "$(image "${name%%$'\t'*}")" "$(image "${name#*$'\t'}")"
      separator=,
    done
    printf ']}'
  ) | call BatchCompare)
  paste <(printf '%s\n' "${names[@]}") <(printf '%s\n' "$reply" | outcomes)
  names=()
  bytes=0
}

names=()
bytes=0
while IFS=$'\t' read -r a b _; do
  if [ -z "$a" ]; then
    continue
  fi
  need_files "$a" "$b"
  size=$(($(stat -c %s "$a") + $(stat -c %s "$b")))
  if [ ${#names[@]} -eq $max_pairs ] || [ $((bytes + size)) -gt $max_bytes ]; then
    send
  fi
  names+=("$a"$'\t'"$b")
  bytes=$((bytes + size))
done <"$1"
send

#!/usr/bin/env bash
# What: has the clients of other servers' protocols, unchanged, call a real server: its
#       models, similarities against its own BatchCompare, errors. Each client has a virtual
#       environment of its own (.fronts/NAME); one that can't be had is left out and
#       says why.
# How to run: make checkfronts; some minutes and 700 MB the first time, then seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
server=
stop() {
  if [[ -n "$server" ]]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
  rm -rf "$folder"
}
trap stop EXIT

# An operator's token, so that models can be loaded.
bin/siamese token operator --out "$folder/token" >"$folder/operators"
bin/siamese serve --addr 127.0.0.1:0 --http-addr 127.0.0.1:0 --admin-addr 127.0.0.1:0 --admin-tokens "$folder/operators" \
  2>"$folder/log" >&2 &
server=$!
until grep -q 'msg=ready serving_name=general' "$folder/log" && grep -q 'msg=ready serving_name=omniglot' "$folder/log"; do
  kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
grpc=$(sed -n 's/.*msg=serving address=//p' "$folder/log")
http=$(sed -n 's|.*msg=page url=http://\([^/]*\)/.*|\1|p' "$folder/log")

# check NAME SCRIPT: calls the server by a script in NAME's virtual environment.
check() {
  local why=0
  scripts/fronts-venv.sh "$1" || why=$?
  case $why in
    0) ".fronts/$1/bin/python" "$2" "$grpc" "$http" "$folder/token" ;;
    77) echo "$1's clients are not tested, see above" ;;
    *) return "$why" ;;
  esac
}
check triton scripts/fronts/oip_triton.py
check kserve scripts/fronts/oip_kserve.py

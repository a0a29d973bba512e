#!/usr/bin/env bash
# What: two instances of the server behind one client are restarted in turn,
#       under load, and the calls that failed are counted. Prints one line:
#       restarts, calls, failed. Ends with an error when a call failed.
# How to run: scripts/rolling-restarts.sh [RESTARTS]   (default 20: a minute and
#             a half)
set -euo pipefail
cd "$(dirname "$0")/.."

restarts=${1:-20}
scripts/setup.sh
source .tensorflow/env
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! RESTARTS=$restarts go test -count 1 -timeout 30m -v -run '^TestRollingRestarts$' ./internal/e2e >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
grep -o '[0-9]* rolling restarts: .*' "$log"

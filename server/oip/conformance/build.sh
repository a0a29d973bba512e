#!/usr/bin/env bash
# What: makes what the runners here need: Triton's clients, in .fronts/triton.
# How to run: server/oip/conformance/build.sh; ends with 77 where they can't be had.
set -euo pipefail
exec "$(dirname "$0")/../../../scripts/fronts-venv.sh" triton

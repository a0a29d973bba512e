#!/usr/bin/env bash
# What: builds what conformance-web.sh needs; ends with 77 where Node or Chromium is missing.
# How to run: client/typescript/build-web.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [[ ! -x ${CHROMIUM:-/usr/bin/chromium} ]]; then
	echo "the TypeScript client is not run in a browser: there is no Chromium at ${CHROMIUM:-/usr/bin/chromium}: apt-get install chromium, or set CHROMIUM" >&2
	exit 77
fi
./build.sh
[[ -d ../../web/node_modules/playwright-core ]] || npm ci --prefix ../../web --ignore-scripts --no-audit --no-fund --silent

#!/usr/bin/env bash
# What: builds the package and its tests; ends with 77 where Node is missing.
# How to run: client/typescript/build.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "the TypeScript client is not built: node or npm is missing: apt-get install nodejs npm" >&2
	exit 77
fi
if (($(node -p 'process.versions.node.split(".")[0]') < 20)); then
	echo "the TypeScript client is not built: received Node $(node --version), expected v20 or later" >&2
	exit 77
fi
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
	npm ci --ignore-scripts --no-audit --no-fund --silent
	touch node_modules/.package-lock.json
fi
rm -rf dist build/test
node_modules/.bin/tsc -p .
node_modules/.bin/tsc -p tsconfig.test.json

#!/usr/bin/env bash
# What: builds the documentation site (mkdocs.yml) into build/site. Links to pages and
#       anchors that are not there, and anything that a page would fetch from elsewhere,
#       are errors. mkdocs comes into .venv-docs/ at the versions of
#       scripts/requirements-docs.txt.
# How to run: make docs
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/docs-venv.sh

# Not with --quiet: warnings would not count then.
if ! log=$(NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build 2>&1); then
  echo "$log" >&2
  exit 1
fi
echo "built build/site: python3 -m http.server --directory build/site shows it"

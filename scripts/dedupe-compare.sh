#!/usr/bin/env bash
# What: holds `siamese dedupe` against imagededup (its perceptual hash) on attacked copies of
#       pictures: time, precision and recall. scripts/dedupe_compare.py says how.
# How to run: scripts/dedupe-compare.sh DIR [--originals 200] [--seed 1] [--foreign]
#       from the repository root, after make build. Fetches imagededup (100 MB with what it
#       stands on) into .bench/dedupe-venv the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $# -ge 1 ]] || { echo "dedupe-compare: received no folder of pictures, expected one: $0 DIR" >&2; exit 64; }
requirements=scripts/requirements-dedupe.txt
environment=.bench/dedupe-venv
if ! cmp -s "$requirements" "$environment/requirements.txt"; then
	rm -rf "$environment"
	mkdir -p .bench
	python3 -m venv "$environment"
	"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
		--requirement "$requirements"
	cp "$requirements" "$environment/requirements.txt"
fi
PYTHONDONTWRITEBYTECODE=1 "$environment/bin/python" scripts/dedupe_compare_test.py --quiet
exec "$environment/bin/python" scripts/dedupe_compare.py "$@"

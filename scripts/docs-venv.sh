# What: makes .venv-docs/, mkdocs at the versions of scripts/requirements-docs.txt, where
#       it is not there yet. Fails where PyPI can't be had.
# How to run: source scripts/docs-venv.sh, from the repository root.
# shellcheck shell=bash

requirements=scripts/requirements-docs.txt
if ! cmp -s "$requirements" .venv-docs/requirements.txt; then
  rm -rf .venv-docs
  python3 -m venv .venv-docs
  .venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$requirements"
  cp "$requirements" .venv-docs/requirements.txt
fi

#!/usr/bin/env bash
# What: checks the Python client: its generated code against the contract, style and
#       types; builds its packages twice, which have to be the same bytes; and tests the
#       wheel, installed from the file into a fresh virtual environment, on a real server
#       (bin/siamese, or SIAMESE_PROGRAM), examples included.
# How to run: make client-python      (PYTHON=python3.12 for another Python)
set -euo pipefail
cd "$(dirname "$0")"

source venv.sh
need_python
prepare build/venv requirements-dev.txt
bin=build/venv/bin

echo "client/python: generated code, style, types"
./generate.sh --check
"$bin/ruff" check --quiet . ../../examples/python
"$bin/ruff" check --quiet --isolated --select F,B,UP --target-version py39 ../../scripts/conformance
"$bin/ruff" format --quiet --check . ../../examples/python
"$bin/mypy" --no-error-summary

echo "client/python: packages"
./package.sh
# Again from a copy: other times, another umask, and as much of it as git knows.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | (umask 077 && xargs -0 cp --parents -t "$copy")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- .)}
export SOURCE_DATE_EPOCH
(cd "$copy" && mkdir build && ln -s "$OLDPWD/build/venv" build/venv && ./package.sh "$copy/dist" >/dev/null)
diff -r dist "$copy/dist" || { echo "two builds of the packages differ" >&2; exit 1; }
# The source distribution makes the same wheel.
mkdir "$copy/source" "$copy/again"
tar -xzf dist/*.tar.gz -C "$copy/source" --strip-components=1
(umask 022 && cd "$copy/source" && "$OLDPWD/$bin/python" -c 'import sys; from flit_core import buildapi; buildapi.build_wheel(sys.argv[1])' "$copy/again")
cmp dist/*.whl "$copy"/again/*.whl

echo "client/python: the wheel in a fresh virtual environment"
rm -rf build/fresh
prepare build/fresh requirements-dev.txt
build/fresh/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index dist/*.whl
build/fresh/bin/python -m pip --disable-pip-version-check check
# The command pytest, not python -m pytest, which would find the package in this folder.
build/fresh/bin/pytest -q tests

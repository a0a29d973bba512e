# What: makes .venv/, Keras and the clients of TensorFlow at the versions of
#       scripts/requirements-keras.txt, where it is not there yet, and sets $python.
#       Fails where PyPI can't be had.
# How to run: source scripts/keras-venv.sh, from the repository root.
# shellcheck shell=bash

python=.venv/bin/python
make_venv() {
  local requirements=scripts/requirements-keras.txt
  cmp -s "$requirements" .venv/requirements.txt && return
  rm -rf .venv
  python3 -m venv .venv &&
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$requirements" &&
    cp "$requirements" .venv/requirements.txt
}
make_venv

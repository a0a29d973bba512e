#!/usr/bin/env bash
# What: makes the goldens of testdata/keras again with Keras itself, those of
#       inference and of training, and compares them with those in the
#       repository; has TensorFlow and Keras load a SavedModel that bin/siamese
#       writes and compares its answers too; has bin/siamese load a SavedModel that
#       Keras exports; and passes weight files between
#       Keras 3, tf-keras and bin/siamese, both ways. Keras comes into .venv/ at
#       the versions of scripts/requirements-keras.txt.
# How to run: make parity
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=scripts/requirements-keras.txt
python=.venv/bin/python
if ! cmp -s "$requirements" .venv/requirements.txt; then
  rm -rf .venv
  python3 -m venv .venv
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$requirements"
  cp "$requirements" .venv/requirements.txt
fi

exported=$(mktemp -d)
trap 'rm -rf "$exported"' EXIT
bin/siamese export "$exported/siamese-omniglot/1"
"$python" scripts/keras_parity.py --check --savedmodel "$exported/siamese-omniglot/1"
"$python" scripts/keras_exports.py "$exported/keras"
pair=$exported/keras/module/assets.extra
bin/siamese compare --model "$exported/keras/module" "$pair/a.png" "$pair/b.png"
"$python" scripts/keras_training.py --check
"$python" scripts/keras_weights_check.py

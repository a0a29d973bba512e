#!/usr/bin/env bash
# What: makes the goldens of testdata/keras again with Keras itself, those of
#       inference and of training, and compares them with those in the
#       repository; has TensorFlow and Keras load SavedModels that bin/siamese
#       writes, of a flattened and of pooled networks, and compares their answers
#       too; has bin/siamese load SavedModels that Keras exports, of both; and
#       passes weight files between Keras 3, tf-keras and bin/siamese, both ways.
#       Keras comes into .venv/ at the versions of scripts/requirements-keras.txt.
# How to run: make parity
set -euo pipefail
cd "$(dirname "$0")/.."

source scripts/keras-venv.sh

exported=$(mktemp -d)
trap 'rm -rf "$exported"' EXIT
bin/siamese export --model omniglot "$exported/siamese-omniglot/1"
"$python" scripts/keras_parity.py --check --savedmodel "$exported/siamese-omniglot/1"
bin/siamese export --model general "$exported/siamese-general/1"
"$python" scripts/keras_parity.py --weights tfmodel/builtin/general.safetensors --savedmodel "$exported/siamese-general/1"
"$python" scripts/keras_exports.py "$exported/keras"
for name in module pooled; do
  pair=$exported/keras/$name/assets.extra
  bin/siamese compare --model "$exported/keras/$name" "$pair/a.png" "$pair/b.png"
done

# Pooled networks of both kinds, with a whitening, on pictures that are at hand.
for pooling in average gem; do
  white="$exported/$pooling.safetensors"
  bin/siamese head "$white" --data testdata/omniglot --from tfmodel/builtin/omniglot.safetensors \
    --pooling "$pooling" --input-size 64 --whiten --copies 2 --things 12 --steps 5 --pairs 16
  bin/siamese export --model "$white" "$exported/$pooling/1"
  "$python" scripts/keras_parity.py --weights "$white" --savedmodel "$exported/$pooling/1"
done
"$python" scripts/keras_training.py --check
"$python" scripts/keras_weights_check.py --pooled "$exported/average.safetensors" --pooled "$exported/gem.safetensors" \
  --pooled tfmodel/builtin/general.safetensors

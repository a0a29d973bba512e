#!/usr/bin/env bash
# What: remakes the built-in models from the data, with fixed seeds: "general" for
#       pictures (scripts/train-general.sh) and "omniglot" for drawn characters
#       (scripts/train-omniglot.sh).
# How to run: scripts/train-builtin.sh PHOTOS OMNIGLOT VGG16 FOLDER
#       PHOTOS   a folder with train/PREFIX_CLASS/*.jpg; "" leaves general out
#       OMNIGLOT images_background.zip; "" leaves omniglot out
#       VGG16    vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       FOLDER   is where FOLDER/general and FOLDER/omniglot go, with runs, weights,
#                plots and figures. What is there already is gone on from: after an
#                interrupt run it again.
#       About 3 hours for omniglot on 2 cores, 20 minutes for general. Variables are those of the two scripts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if (($# != 4)); then
	echo "usage: scripts/train-builtin.sh PHOTOS OMNIGLOT VGG16 FOLDER" >&2
	exit 2
fi
photos=$1 omniglot=$2 vgg=$3 out=$4
if [[ -n $omniglot ]]; then
	scripts/train-omniglot.sh "$omniglot" "$vgg" "$out/omniglot"
fi
if [[ -n $photos ]]; then
	scripts/train-general.sh "$photos" "$omniglot" "$vgg" "$out/general"
fi

#!/usr/bin/env bash
# What: measures a general model on the classes of scripts/general/held-out.txt, with
#       the untrained network's cosine and a perceptual hash beside it.
# How to run: scripts/eval-general.sh DATA VGG16 MODEL FOLDER
#       DATA   what scripts/arrange-photos.sh made
#       VGG16  vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       MODEL  the model to measure
#       FOLDER is where plots go; figures are printed
#       Variables: PRECISION=bfloat16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if (($# != 4)); then
	echo "usage: scripts/eval-general.sh DATA VGG16 MODEL FOLDER" >&2
	exit 2
fi
data=$1 vgg=$2 model=$3 out=$4
siamese=${SIAMESE:-bin/siamese}
common=(--layout domains --split class --hold-out-in scripts/general/held-out.txt --model "$model" --precision "${PRECISION:-bfloat16}")
forbidden=(--forbidden scripts/general/forbidden.txt)

# measure TITLE COMMAND FLAGS...
measure() {
	echo "== $1"
	"$siamese" eval "$2" "$data" "${common[@]}" "${@:3}"
}

measure "strangers and things" verify --of 'pictures/*' --negatives other-alphabet --pairs 6000 "${forbidden[@]}" --roc "$out/roc-strangers.png"
measure "edited copies" copies --of 'pictures/*' --baseline "$vgg" --roc "$out/roc-copies.png"
measure "places" retrieval --of 'pictures/scene_*' --among 'pictures/*' "${forbidden[@]}" --baseline "$vgg" --roc "$out/roc-places.png"
measure "turned objects" retrieval --of 'pictures/f360_*' --among 'pictures/f360_*' --baseline "$vgg" --roc "$out/roc-turned.png"
measure "packages among their brand's" retrieval --of 'pictures/groc_pack_*' --among 'pictures/groc_pack_*' --same-kind --baseline "$vgg" --roc "$out/roc-packages.png"
measure "unseen kinds" verify --of 'pictures/c101_*' --level kind --negatives any --pairs 6000
measure "unseen kinds" retrieval --of 'pictures/c101_*' --among 'pictures/c101_*' --level kind --baseline "$vgg" --roc "$out/roc-kinds.png"
measure "kinds, 5-way one-shot" oneshot --level kind --of 'pictures/c101_*' --ways 5 --trials 1000 | tail -n 1
measure "characters, 20-way one-shot within an alphabet" oneshot --of 'characters/*' --ways 20 --trials 1000 | tail -n 1
measure "characters" verify --of 'characters/*' --negatives same-alphabet --pairs 6000

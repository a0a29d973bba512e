#!/usr/bin/env bash
# What: measures a general model on the classes of scripts/general/held-out.txt, with
#       the untrained network's cosine and a perceptual hash beside it: strangers,
#       edited copies, places, turned objects, packages, kinds, characters, and the
#       calibration error of each sort of pairs.
# How to run: scripts/eval-general.sh DATA OMNIGLOT VGG16 MODEL FOLDER
#       DATA     what scripts/arrange-photos.sh made
#       OMNIGLOT images_background.zip; "" leaves characters out
#       VGG16    vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       MODEL    the calibrated model to measure
#       FOLDER   is where plots go; figures are printed
#       Variables: PRECISION=bfloat16. SIZE=small takes a tenth of the pairs and
#       pictures and few kinds, to try it out. About 10 minutes on 2 cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if (($# != 5)); then
	echo "usage: scripts/eval-general.sh DATA OMNIGLOT VGG16 MODEL FOLDER" >&2
	exit 2
fi
data=$1 omniglot=$2 vgg=$3 model=$4 out=$5
siamese=${SIAMESE:-bin/siamese}
measured=(--model "$model" --precision "${PRECISION:-bfloat16}")
held=(--layout domains --split class --hold-out-in scripts/general/held-out.txt)
common=("${held[@]}" "${measured[@]}" --baseline "$vgg")
forbidden=(--forbidden scripts/general/forbidden.txt)
drawn=(--layout omniglot --split alphabet --hold-out 6 "${measured[@]}")
case ${SIZE:-full} in
full) pairs=1500 originals=25 queries=300 trials=400 ways=5 others='pictures/*' kinds='pictures/c101_*' ;;
small) pairs=200 originals=4 queries=30 trials=50 ways=4 others='pictures/[cs]*_[bm]*' kinds='pictures/c101_[ci]*' ;;
*) echo "eval-general: SIZE is $SIZE, expected full or small" >&2 && exit 2 ;;
esac
mkdir -p "$out"

# show TITLE COMMAND...: says what is run, and runs it.
show() {
	printf '\n== %s\n$ siamese %s\n' "$1" "${*:2}"
	"$siamese" "${@:2}"
}

show "strangers and things" eval verify "$data" "${common[@]}" --negatives other-alphabet --pairs "$pairs" "${forbidden[@]}" --roc "$out/roc-strangers.png" --reliability "$out/reliability-strangers.png"
show "edited copies" eval copies "$data" "${common[@]}" --originals "$originals" --roc "$out/roc-copies.png"
show "places" eval retrieval "$data" "${common[@]}" --of 'pictures/scene_*' --among "$others" --queries "$queries" "${forbidden[@]}" --roc "$out/roc-places.png"
show "turned objects" eval retrieval "$data" "${common[@]}" --of 'pictures/f360_*' --among 'pictures/f360_*' --queries "$queries" --roc "$out/roc-turned.png"
show "packages among their brand's" eval retrieval "$data" "${common[@]}" --of 'pictures/groc_pack_*' --among 'pictures/groc_pack_*' --same-kind --queries "$queries" --roc "$out/roc-packages.png"
show "unseen kinds" eval retrieval "$data" "${common[@]}" --of "$kinds" --among "$kinds" --level kind --queries "$queries" --roc "$out/roc-kinds.png"
show "unseen kinds, $ways-way one-shot" eval oneshot "$data" "${common[@]}" --level kind --of "$kinds" --ways "$ways" --trials "$trials" --plot "$out/oneshot-kinds.png" | grep -v '^run'
if [[ -n $omniglot ]]; then
	show "characters, 20-way one-shot within an alphabet" eval oneshot "$omniglot" "${drawn[@]}" --ways 20 --trials "$((trials / 2))" --plot "$out/oneshot-characters.png" | grep -v '^run'
	show "characters of one alphabet" eval verify "$omniglot" "${drawn[@]}" --negatives same-alphabet --pairs "$((pairs / 3 * 2))"
fi
show "calibration error of each sort of pairs" eval kinds "$data" "${held[@]}" "${measured[@]}" "${forbidden[@]}" --pairs "$((pairs / 2))" \
	--groups 'pictures/scene_*' --groups 'pictures/f360_*' --groups 'pictures/groc_pack_*' --groups 'pictures/c101_*' --reliability "$out/reliability.png"

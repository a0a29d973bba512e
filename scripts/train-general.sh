#!/usr/bin/env bash
# What: makes the model "general" from photographs, with fixed seeds: ImageNet's
#       network, pooled and whitened and, with TIME, trained on things and kinds with
#       edited copies. What scripts/general/held-out.txt names is kept apart, for
#       calibrating and measuring.
# How to run: scripts/train-general.sh PHOTOS OMNIGLOT VGG16 FOLDER
#       PHOTOS   a folder with train/PREFIX_CLASS/*.jpg (scripts/arrange-photos.sh)
#       OMNIGLOT images_background.zip, on which the model is measured as a stranger
#                to it; "" leaves that out
#       VGG16    vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       FOLDER   is where data, runs, weights, plots and figures go. What is there
#                already is gone on from: after an interrupt run it again.
#       Variables: TIME=105m trains for that long (empty: not at all, as the model that
#       ships was made), PRECISION=bfloat16 (float32 where the processor has no
#       AVX512-BF16), and those of scripts/eval-general.sh.
#       About 20 minutes on 2 cores without TIME.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if (($# != 4)); then
	echo "usage: scripts/train-general.sh PHOTOS OMNIGLOT VGG16 FOLDER" >&2
	exit 2
fi
photos=$1 omniglot=$2 vgg=$3 out=$4
precision=(--precision "${PRECISION:-bfloat16}")
data=$out/data
part=(--layout domains --split class --hold-out-in scripts/general/held-out.txt)
forbidden=(--forbidden scripts/general/forbidden.txt)
mkdir -p "$out"
[[ -e $data ]] || scripts/arrange-photos.sh "$photos" "" "$data"

# 1. The frozen network: its last map averaged, a projection that whitens, a distance.
[[ -e $out/start.safetensors ]] ||
	bin/siamese head "$out/start.safetensors" --data "$data" "${part[@]}" "${forbidden[@]}" --from "$vgg" --pooling average \
		--input-size 128 --kept-size 160 --whiten --things 1000 --copies 2 --alphabet-share 0.3 "${precision[@]}"

# 2. With TIME blocks 4 and 5, projection and distance learn.
from=$out/start.safetensors run=$out/run
if [[ -n ${TIME:-} ]]; then
	from=$run/last_epoch_weights.h5
	if [[ ! -e $run/done ]]; then
		if [[ -e $run/config.json ]]; then
			bin/siamese train --resume "$run"
		else
			bin/siamese train --data "$data" "${part[@]}" "${forbidden[@]}" --run "$run" \
				--start "$out/start.safetensors" --start-scale unit --sparse-head --pooling average --projection 512 --unit \
				--input-size 128 --kept-size 160 --data-memory 1400 \
				--sampler levels --batch 64 --per-class 2 --kind-things 3 --copies 0.5 \
				--kind-target 0.1 --kind-weight 0.2 --hard 2 --hard-things 1000 --augment edits --mirrored \
				--optimizer adam --rate 1.5e-4 --decay smooth --warm-up 50 --freeze 3 --contrastive-weight 1 --temperature 0.1 \
				--average-decay 0.99 --steps-per-epoch 100 --time-limit "$TIME" --save-every 5m --val-pairs 200 --oneshot-trials 100 "${precision[@]}"
		fi
		touch "$run/done"
	fi
fi

# 3. Similarities become probabilities, by pairs of what was kept apart.
model=$out/held-out.safetensors
if [[ ! -e $model ]]; then
	bin/siamese calibrate "$model" --data "$data" "${part[@]}" "${forbidden[@]}" --from "$from" --pairs "${PAIRS:-1600}" --familiarity 1500 \
		--groups 'pictures/scene_*' --groups 'pictures/f360_*' --groups 'pictures/groc_pack_*' --groups 'pictures/c101_*' \
		--plot "$out/reliability.png" --json "$out/calibration.json" "${precision[@]}" | tee "$out/calibration.txt"
fi

# 4. What it is worth on them.
bin/siamese model import "$model" "$out/siamese-general.safetensors" --dtype float16
scripts/eval-general.sh "$data" "$omniglot" "$vgg" "$out/siamese-general.safetensors" "$out"
echo "the model is $out/siamese-general.safetensors"

#!/usr/bin/env bash
# What: makes a general model from photographs and drawings, with fixed seeds: ImageNet's
#       network, pooled and whitened, then trained on things and kinds with edited
#       copies. What scripts/general/held-out.txt names is kept apart, for calibrating
#       and measuring.
# How to run: scripts/train-general.sh PHOTOS OMNIGLOT VGG16 FOLDER
#       PHOTOS   a folder with train/PREFIX_CLASS/*.jpg (scripts/arrange-photos.sh)
#       OMNIGLOT Omniglot's images_background, unpacked
#       VGG16    vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       FOLDER   is where data, runs, weights, plots and figures go. What is there
#                already is gone on from: after an interrupt run it again.
#       Variables: TIME=9h for the training run, PRECISION=bfloat16 (float32 where the
#       processor has no AVX512-BF16).
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
[[ -e $data ]] || scripts/arrange-photos.sh "$photos" "$omniglot" "$data"

# 1. The frozen network: its last map averaged, a projection that whitens, a distance.
[[ -e $out/start.safetensors ]] ||
	bin/siamese head "$out/start.safetensors" --data "$data" "${part[@]}" "${forbidden[@]}" --from "$vgg" --pooling average \
		--input-size 128 --kept-size 160 --whiten --things 1000 --copies 2 --alphabet-share 0.3 "${precision[@]}"

# 2. Blocks 4 and 5, projection and distance learn.
run=$out/run
if [[ ! -e $run/done ]]; then
	if [[ -e $run/config.json ]]; then
		bin/siamese train --resume "$run"
	else
		bin/siamese train --data "$data" "${part[@]}" "${forbidden[@]}" --run "$run" \
			--start "$out/start.safetensors" --start-scale unit --sparse-head --pooling average --projection 512 --unit \
			--input-size 128 --kept-size 160 --data-memory 1400 \
			--sampler levels --batch 64 --per-class 2 --kind-things 3 --copies 0.5 --domain "pictures=3;characters=1" \
			--kind-target 0.1 --kind-weight 0.1 --hard 3 --hard-things 1000 \
			--augment edits --mirrored --domain-augment characters=affine --shift 8 --part-probability 0.8 \
			--optimizer adam --rate 1e-4 --decay smooth --warm-up 100 --freeze 3 --contrastive-weight 1 --temperature 0.1 \
			--average-decay 0.999 --steps-per-epoch 120 --time-limit "${TIME:-9h}" --save-every 5m --val-pairs 200 --oneshot-trials 100 "${precision[@]}"
	fi
	touch "$run/done"
fi

# 3. What it is worth on what was kept apart; the calibration is measured on it, too.
model=$out/general.safetensors
[[ -e $model ]] ||
	bin/siamese calibrate "$model" --data "$data" "${part[@]}" "${forbidden[@]}" --from "$run/last_epoch_weights.h5" --pairs 6000 \
		--plot "$out/reliability.png" "${precision[@]}" | tee "$out/calibration.txt"
scripts/eval-general.sh "$data" "$vgg" "$model" "$out"

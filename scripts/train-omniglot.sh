#!/usr/bin/env bash
# What: remakes the built-in model "omniglot" from the data, with fixed seeds: first with six
#       alphabets held out, whose figures are the model's, then on all thirty.
# How to run: scripts/train-omniglot.sh DATA VGG16 FOLDER
#       DATA   Omniglot's images_background.zip
#       VGG16  vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       FOLDER is where runs, weights, plots and figures go. What is there already
#              is gone on from: after an interrupt run it again.
#       About 3 hours on 2 cores. PRECISION=float32 where the processor has no
#       AVX512-BF16.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if (($# != 3)); then
	echo "usage: scripts/train-omniglot.sh DATA VGG16 FOLDER" >&2
	exit 2
fi
data=$1 vgg=$2 out=$3
precision=(--precision "${PRECISION:-bfloat16}")
held=(--split alphabet --hold-out 6)
common=(--data "$data" --optimizer adam --decay smooth --clip-norm 0 --freeze 2 --contrastive-weight 1 --temperature 0.1
	--batch 64 --steps-per-epoch 50 --average-decay 0.99 --shift 8 --part-probability 0.8 "${precision[@]}")
mkdir -p "$out"

# stage NAME FLAGS...: a training run, or the rest of one.
stage() {
	local run=$out/$1
	shift
	[[ -e $run/done ]] && return
	if [[ -e $run/config.json ]]; then
		bin/siamese train --resume "$run"
	else
		bin/siamese train --run "$run" "${common[@]}" "$@"
	fi
	touch "$run/done"
}

# 1. From ImageNet's weights, with a head that begins by chance.
stage embedding "${held[@]}" --start "$vgg" --rate 2e-4 --head-rate 3 --per-class 4 --epochs 20 --val-pairs 200 --oneshot-trials 120

# 2. A head that is a distance of the embeddings takes its place.
[[ -e $out/distance.safetensors ]] ||
	bin/siamese head "$out/distance.safetensors" --data "$data" --from "$out/embedding/last_epoch_weights.h5" "${held[@]}" \
		--begin distance --copies 3 --steps 100 --rate 2e-4 "${precision[@]}"

# 3. Embedding and distance learn together, with quarter turns as further classes.
stage together "${held[@]}" --rotations --start "$out/distance.safetensors" --sparse-head --rate 1.5e-4 --warm-up 30 --per-class 3 \
	--epochs 16 --val-pairs 200 --oneshot-trials 200

# 4. What it is worth on the six alphabets.
bin/siamese calibrate "$out/held-out.safetensors" --data "$data" --from "$out/together/last_epoch_weights.h5" "${held[@]}" \
	--pairs 4000 --plot "$out/reliability.png" "${precision[@]}" | tee "$out/calibration.txt"
bin/siamese model import "$out/held-out.safetensors" "$out/held-out-fp16.safetensors" --dtype float16
[[ -e $out/oneshot ]] || bin/siamese eval make-runs "$data" "$out/oneshot" "${held[@]}" --trials 1000
for file in held-out held-out-fp16; do
	bin/siamese eval oneshot "$out/oneshot" --model "$out/$file.safetensors" | tail -n 1
done
for negatives in any same-alphabet; do
	bin/siamese eval verify "$data" "${held[@]}" --model "$out/held-out.safetensors" --pairs 6000 --negatives "$negatives" --roc "$out/roc-$negatives.png"
done
bin/siamese eval robustness "$data" "${held[@]}" --pairs 100 --model "$out/held-out.safetensors"

# 5. The same network goes on with all thirty alphabets, and takes over the
#    calibration that was measured where it can be measured.
stage all --split none --rotations --start "$out/together/last_epoch_weights.h5" --start-scale unit --sparse-head \
	--rate 1e-4 --warm-up 30 --per-class 3 --epochs 6
read -r _ _ scale shift _ <"$out/calibration.txt"
bin/siamese calibrate "$out/final.safetensors" --from "$out/all/last_epoch_weights.h5" --scale "$scale" --shift="${shift%:}" \
	--data "$data" "${held[@]}" --familiarity 1200 "${precision[@]}"
bin/siamese model import "$out/final.safetensors" "$out/siamese-omniglot.safetensors" --dtype float16
echo "the model is $out/siamese-omniglot.safetensors"

#!/usr/bin/env bash
# What: trains the Omniglot network on a fast device within a given time: first with
#       six alphabets held out, then that network further on all thirty. It judges
#       nothing: that needs no such device (scripts/train-builtin.sh, step 4).
# How to run: scripts/train-omniglot-gpu.sh prepare DATA VGG16 START
#             scripts/train-omniglot-gpu.sh DATA START FOLDER
#       prepare makes START on any machine, some minutes on 2 cores.
#       DATA   Omniglot's images_background.zip
#       VGG16  vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       START  weights to begin with, a distance for a head among them
#       FOLDER is where runs and weights go: FOLDER/held-out.safetensors and
#              FOLDER/all.safetensors, float16, made in some seconds after the time.
#       Variables: SIZE=105 and BEGIN=distance (standardized, residual) of prepare;
#       SECONDS_IN_ALL=240, HELD_OUT_PERCENT=60 of them for the first run,
#       RUNS="held-out all", SIAMESE=bin/siamese, BATCH=256, RATE=2e-4, ALL_RATE=1e-4,
#       PRECISION=bfloat16, DEVICE=auto, MORE="further flags of siamese train", which
#       beat those below, such as
#         MORE="--alphabets 6 --hard-steps 500 --hard-things 6000"   look-alikes
#         MORE="--teacher A.safetensors --teacher B.safetensors"     an ensemble into one
#         MORE="--input-size 128", with a START of that size (prepare takes SIZE=128)
set -euo pipefail
siamese=${SIAMESE:-bin/siamese}
precision=${PRECISION:-bfloat16}
held=(--split alphabet --hold-out 6 --seed 1)

# prepare DATA VGG16 START: ImageNet's weights with a head that is a distance of
# their embeddings. The alphabets that are held out take no part in it.
prepare() {
	local data=$1 vgg=$2 start=$3 work
	work=$(mktemp -d)
	trap 'rm -rf "$work"' RETURN
	# One step at a rate of nearly nothing writes the weights in the network's own form.
	"$siamese" train --run "$work/run" --data "$data" "${held[@]}" --start "$vgg" --optimizer sgd --rate 1e-12 --min-rate 1e-12 \
		--input-size "${SIZE:-105}" --epochs 1 --steps-per-epoch 1 --batch 8 --val-pairs 2 --oneshot-trials 0
	"$siamese" head "$work/head.safetensors" --data "$data" "${held[@]}" --from "$work/run/last_epoch_weights.h5" \
		--begin "${BEGIN:-distance}" --copies 3 --steps 100 --rate 2e-4 --precision "$precision"
	"$siamese" model import "$work/head.safetensors" "$start" --dtype float16
}

if (($# == 4)) && [[ $1 == prepare ]]; then
	prepare "${@:2}"
	exit
fi
if (($# != 3)); then
	echo "usage: scripts/train-omniglot-gpu.sh [prepare] DATA START|VGG16 FOLDER|START" >&2
	exit 2
fi
data=$1 start=$2 out=$3
read -ra more <<<"${MORE:-}"
read -ra runs <<<"${RUNS:-held-out all}"
total=${SECONDS_IN_ALL:-240}
for number in "$total" "${HELD_OUT_PERCENT:-60}"; do
	[[ $number =~ ^[0-9]+$ ]] || { echo "train-omniglot-gpu: received $number, expected a whole number" >&2; exit 2; }
done
for run in "${runs[@]}"; do
	[[ $run == held-out || $run == all ]] || { echo "train-omniglot-gpu: RUNS names $run, expected held-out and all" >&2; exit 2; }
done
common=(--data "$data" --start-scale unit --sparse-head --freeze 0
	--optimizer adam --head-rate 0.1 --decay smooth --warm-up 30 --clip-norm 0 --average-decay 0.995
	--contrastive-weight 1 --temperature 0.1
	--batch "${BATCH:-256}" --per-class 4 --alphabets 2 --one-pose --rotations --mirrors
	--shift 8 --part-probability 0.8 --elastic 6 --stroke 1
	--steps-per-epoch 100000 --save-period 0 --log-steps 50
	--precision "$precision" --device "${DEVICE:-auto}")
mkdir -p "$out"

for run in "${runs[@]}"; do
	percent=${HELD_OUT_PERCENT:-60} rate=${RATE:-2e-4} split=("${held[@]}" --val-pairs 2 --oneshot-trials 0) from=$start
	if [[ $run == all ]]; then
		percent=$((100 - percent)) split=(--split none --seed 2)
		if [[ -e $out/held-out/last_epoch_weights.h5 ]]; then
			from=$out/held-out/last_epoch_weights.h5 rate=${ALL_RATE:-1e-4}
		fi
	fi
	limit=$((total * percent / 100))
	[[ $run != "${runs[-1]}" ]] || limit=$((total - SECONDS)) # since this script began
	# A limit of 0 would be none.
	if ((limit < 1)); then
		echo "train-omniglot-gpu: no time is left for $run of the $total s" >&2
		exit 1
	fi
	"$siamese" train --run "$out/$run" --start "$from" "${common[@]}" "${split[@]}" --rate "$rate" \
		--time-limit "${limit}s" "${more[@]}"
done
# No device is needed from here on.
for run in "${runs[@]}"; do
	"$siamese" model import "$out/$run/last_epoch_weights.h5" "$out/$run.safetensors" --dtype float16
done

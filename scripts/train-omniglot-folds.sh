#!/usr/bin/env bash
# What: trains one recipe on Omniglot as many times as there are folds, each time with
#       another part of the alphabets held out, and judges all of them together: what a
#       change of the recipe is worth, on every alphabet, and which calibration it wants.
#       Training wants a fast device; preparing and judging run anywhere.
# How to run: scripts/train-omniglot-folds.sh prepare DATA VGG16 FOLDER
#             scripts/train-omniglot-folds.sh train DATA FOLDER
#             scripts/train-omniglot-folds.sh judge DATA FOLDER
#       prepare writes FOLDER/start: for each fold the weights to begin with, ImageNet's
#               with a distance for a head that has not seen the fold. Recipes can share
#               it: START=OTHER/start.
#       train   writes FOLDER/1.safetensors and so on, float16; with FINAL_SECONDS also
#               FOLDER/all.safetensors, of all alphabets. What is there is kept, and a run
#               that was broken off goes on: after an interrupt run it again.
#       judge   prints one-shot, verification, and the common calibration, and keeps them
#               in FOLDER (folds.txt, folds.json, calibration.txt, calibration.json,
#               wrong.png). Where there is an all.safetensors, it gets the calibration, as
#               FOLDER/final.safetensors.
#       DATA    Omniglot's images_background.zip
#       VGG16   vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5
#       Variables: FOLDS=5, ONLY="1 2" (train and judge these alone; judge
#       leaves the calibration then, which wants all folds), SECONDS_A_FOLD=60,
#       FINAL_SECONDS=0, STEPS=0 (so many steps a fold instead of a time),
#       MORE="further flags of siamese train", BASELINE=FOLDER (another recipe's, judged
#       beside), TRIALS=1000, PAIRS=4000, WEIGHTS="neighbours=1" (of siamese calibrate),
#       START=FOLDER/start, COPIES=3 (of siamese head), FAMILIARITY=1200, SIAMESE=bin/siamese, INPUT_SIZE=105, BATCH=256, RATE=2e-4,
#       PRECISION=bfloat16, JUDGE_PRECISION=float32, DEVICE=auto.
set -euo pipefail
siamese=${SIAMESE:-bin/siamese}
folds=${FOLDS:-5}
usage() {
	echo "usage: scripts/train-omniglot-folds.sh prepare DATA VGG16 FOLDER | train DATA FOLDER | judge DATA FOLDER" >&2
	exit 2
}
for number in "$folds" "${SECONDS_A_FOLD:-60}" "${FINAL_SECONDS:-0}" "${STEPS:-0}"; do
	[[ $number =~ ^(0|[1-9][0-9]*)$ ]] || { echo "train-omniglot-folds: received $number, expected a whole number" >&2; exit 2; }
done
((folds >= 2)) || { echo "train-omniglot-folds: received FOLDS=$folds, expected 2 or more" >&2; exit 2; }
read -ra only <<<"${ONLY:-$(seq -s ' ' "$folds")}"
for number in "${only[@]}"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] && ((number <= folds)) ||
		{ echo "train-omniglot-folds: received $number in ONLY, expected folds from 1 to $folds" >&2; exit 2; }
done

# held FOLD: the flags that hold it out; "all" holds out nothing.
held() {
	held=(--split alphabet --folds "$folds" --fold "$1")
	[[ $1 != all ]] || held=(--split none)
}

# prepare DATA VGG16 FOLDER
prepare() {
	local data=$1 vgg=$2 out=${START:-$3/start} fold work short
	mkdir -p "$out"
	work=$(mktemp -d)
	trap "rm -rf '$work'" EXIT # now, as the name is a local one
	for fold in $(seq "$folds") all; do
		[[ -e $out/$fold.safetensors ]] && continue
		held "$fold"
		# One step at a rate of nearly nothing writes the weights in the network's own form.
		short=(--val-pairs 2 --oneshot-trials 0)
		[[ $fold != all ]] || short=()
		"$siamese" train --run "$work/$fold" --data "$data" "${held[@]}" "${short[@]}" --start "$vgg" --input-size "${INPUT_SIZE:-105}" \
			--optimizer sgd --rate 1e-12 --min-rate 1e-12 --epochs 1 --steps-per-epoch 1 --batch 8
		"$siamese" head "$work/head.safetensors" --data "$data" "${held[@]}" --from "$work/$fold/last_epoch_weights.h5" \
			--begin distance --copies "${COPIES:-3}" --steps 100 --rate 2e-4 --precision "${PRECISION:-bfloat16}" --device "${DEVICE:-auto}"
		"$siamese" model import "$work/head.safetensors" "$out/$fold.safetensors" --dtype float16
		rm -rf "$work"/*
	done
}

# resume RUN: goes on with it. One that was broken off after its last step has nothing left
# to do, which siamese train calls an error.
resume() {
	local code=0
	"$siamese" train --resume "$1" 2>&1 | tee -i "$1/resumed.log" || code=$?
	((code != 0)) || return 0
	[[ -e $1/last_epoch_weights.h5 ]] && grep -qE 'has done all of its epochs|no time left to train' "$1/resumed.log" || return "$code"
}

# train_one FOLD SECONDS DATA FOLDER
train_one() {
	local fold=$1 limit=$2 data=$3 out=$4 run=$4/runs/$1 more length
	[[ -e $out/$fold.safetensors ]] && return
	read -ra more <<<"${MORE:-}"
	held "$fold"
	[[ $fold == all ]] || held+=(--val-pairs 2 --oneshot-trials 0)
	length=(--steps-per-epoch 100000 --time-limit "${limit}s")
	((${STEPS:-0} == 0)) || length=(--steps-per-epoch "$STEPS" --epochs 1)
	if [[ -e $run/checkpoint.safetensors && ! -e $run/done ]]; then
		resume "$run"
	elif [[ ! -e $run/done ]]; then
		rm -rf "$run"
		"$siamese" train --run "$run" --data "$data" "${held[@]}" --start "${START:-$out/start}/$fold.safetensors" --start-scale unit \
			--input-size "${INPUT_SIZE:-105}" --sparse-head --freeze 0 \
			--optimizer adam --rate "${RATE:-2e-4}" --head-rate 0.1 --decay smooth --warm-up 30 --clip-norm 0 --average-decay 0.995 \
			--contrastive-weight 1 --temperature 0.1 \
			--batch "${BATCH:-256}" --per-class 4 --alphabets 2 --one-pose --rotations --mirrors \
			--shift 8 --part-probability 0.8 --elastic 6 --stroke 1 \
			--save-period 0 --log-steps 50 --precision "${PRECISION:-bfloat16}" --device "${DEVICE:-auto}" "${length[@]}" "${more[@]}"
	fi
	touch "$run/done"
	"$siamese" model import "$run/last_epoch_weights.h5" "$out/$fold.part.safetensors" --dtype float16
	mv "$out/$fold.part.json" "$out/$fold.json"
	mv "$out/$fold.part.safetensors" "$out/$fold.safetensors"
}

# train DATA FOLDER
train() {
	local fold
	mkdir -p "$2/runs"
	for fold in "${only[@]}"; do
		train_one "$fold" "${SECONDS_A_FOLD:-60}" "$@"
	done
	((${FINAL_SECONDS:-0} == 0)) || train_one all "$FINAL_SECONDS" "$@"
}

# judge DATA FOLDER
judge() {
	local data=$1 out=$2 scale shift against=() weights=() part=() on
	on=(--precision "${JUDGE_PRECISION:-float32}" --device "${DEVICE:-auto}")
	[[ -z ${BASELINE:-} ]] || against=(--against "$BASELINE/{fold}.safetensors")
	[[ -z ${WEIGHTS:-} ]] || weights=(--weights "$WEIGHTS")
	((${#only[@]} == folds)) || part=(--only "$(IFS=, && echo "${only[*]}")")
	"$siamese" eval folds "$data" --folds "$folds" "${part[@]}" --model "$out/{fold}.safetensors" "${against[@]}" "${on[@]}" \
		--trials "${TRIALS:-1000}" --pairs "${PAIRS:-4000}" --sheet "$out/wrong.png" --json "$out/folds.json" | tee "$out/folds.txt"
	((${#only[@]} == folds)) || return 0
	"$siamese" calibrate --data "$data" --folds "$folds" --model "$out/{fold}.safetensors" "${weights[@]}" "${on[@]}" \
		--pairs "${PAIRS:-4000}" --json "$out/calibration.json" | tee "$out/calibration.txt"
	[[ -e $out/all.safetensors ]] || return 0
	read -r _ _ scale shift _ <"$out/calibration.txt"
	"$siamese" calibrate "$out/final.safetensors" --from "$out/all.safetensors" --scale "$scale" --shift="$shift" "${on[@]}" \
		--data "$data" --split alphabet --folds "$folds" --fold 1 --familiarity "${FAMILIARITY:-1200}"
}

case ${1:-} in
prepare) (($# == 4)) || usage ;;
train | judge) (($# == 3)) || usage ;;
*) usage ;;
esac
"$@"

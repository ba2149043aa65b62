#!/bin/sh
# Root-free RMSProp, IF-Shampoo and Shampoo beside RMSProp, AdamW and SGD on transformers, with equal random searches.
# usage, from the top of the repository: CIFAR=FOLDER TEXT=FILE models/paper/transformers.sh [vit|gpt...]
set -eu
[ $# -gt 0 ] || set -- vit gpt
study() {
	model=$1
	shift
	"${ONNXTRAIN:-./onnxtrain}" compare --model "models/$model.onnx" --init fresh --dtype bf16 "$@" \
		--opts sgd,adamw,rmsprop,rfrmsprop,ifshampoo --opt shampoo,interval=2 \
		--schedule cosine --warmup 5% --jobs 2 -o "${OUT:-runs/paper}/$model"
}
for model; do
	case $model in
	vit)
		: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
		study vit --data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" --test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" \
			--batch 128 --budget "${BUDGET:-epochs=1,trials=8,seeds=3}"
		;;
	gpt)
		study gpt --data "text:${TEXT:?is tinyshakespeare.txt}?split=train&stride=16" --test "text:$TEXT?split=val" \
			--batch 64 --clip-norm 1 --budget "${BUDGET:-steps=400,trials=8,seeds=3}"
		;;
	*)
		echo "no study of $model: vit and gpt" >&2
		exit 2
		;;
	esac
done

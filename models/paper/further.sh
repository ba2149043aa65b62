#!/bin/sh
# The same comparison on further architectures: a small ConvNeXt on CIFAR-10 and an LSTM on characters.
# usage, from the top of the repository: CIFAR=FOLDER TEXT=FILE models/paper/further.sh [convnext|lstm...]
set -eu
[ $# -gt 0 ] || set -- convnext lstm
study() {
	model=$1
	shift
	"${ONNXTRAIN:-./onnxtrain}" compare --model "models/$model.onnx" --init fresh --dtype bf16 "$@" \
		--opts sgd,adamw,rmsprop,rfrmsprop,ifshampoo --opt shampoo,interval=2 --budget "${BUDGET:-steps=300,trials=5,seeds=3}" \
		--schedule cosine --warmup 5% --jobs 2 -o "${OUT:-runs/paper}/$model"
}
for model; do
	case $model in
	convnext)
		: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
		study convnext --data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" \
			--test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" --batch 128
		;;
	lstm)
		study lstm --data "text:${TEXT:?is tinyshakespeare.txt}?split=train&stride=16" --test "text:$TEXT?split=val" \
			--batch 64 --clip-norm 1
		;;
	*)
		echo "no study of $model: convnext and lstm" >&2
		exit 2
		;;
	esac
done

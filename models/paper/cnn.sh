#!/bin/sh
# Root-free RMSProp beside RMSProp, AdamW and SGD on CNNs, with equal random searches; its curvature in float32 and, as the
# published runs had it, in bf16. usage, from the top of the repository: CIFAR=FOLDER models/paper/cnn.sh [MODEL...]
set -eu
: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
[ $# -gt 0 ] || set -- resnet20 vgg
for model; do
	"${ONNXTRAIN:-./onnxtrain}" compare --model "models/$model.onnx" --init fresh --dtype bf16 \
		--data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" --test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" \
		--opts sgd,adamw,rmsprop,rfrmsprop --opt rfrmsprop,state_dtype=bf16 --budget "${BUDGET:-epochs=1,trials=8,seeds=3}" \
		--batch 128 --schedule cosine --warmup 5% --jobs 2 -o "${OUT:-runs/paper}/cnn-$model"
done

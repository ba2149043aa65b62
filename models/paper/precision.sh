#!/bin/sh
# IF-Shampoo, Shampoo and AdamW in float32 and in bf16: time of a step and loss against time. Shampoo's eigenvectors are computed
# in float32 in either; both methods update their matrices every 2 steps. usage, from the top of the repository: CIFAR=FOLDER models/paper/precision.sh
set -eu
: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
set --
for dtype in f32 bf16; do
	set -- "$@" --opt ifshampoo,interval=2,factor_dtype=$dtype,dtype=$dtype --opt shampoo,interval=2,dtype=$dtype \
		--opt adamw,lr=2e-3,weight_decay=0.05,dtype=$dtype
done
"${ONNXTRAIN:-./onnxtrain}" compare --model models/vit.onnx --init fresh "$@" \
	--data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" --test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" \
	--budget "${BUDGET:-steps=390,trials=1,seeds=3}" --batch 128 --schedule cosine --warmup 5% -o "${OUT:-runs/paper}/precision"

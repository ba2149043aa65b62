#!/bin/sh
# IF-Shampoo in bf16 beside Shampoo, whose eigenvectors need float32: time of a step and loss against time. Both update their
# matrices every 2 steps. usage, from the top of the repository: CIFAR=FOLDER models/paper/precision.sh
set -eu
: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
for dtype in f32 bf16; do
	for opt in ifshampoo,interval=2,factor_dtype=$dtype shampoo,interval=2 adamw,lr=2e-3,weight_decay=0.05; do
		"${ONNXTRAIN:-./onnxtrain}" compare --model models/vit.onnx --dtype $dtype \
			--data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" --test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" \
			--opt "$opt" --budget "${BUDGET:-steps=400,trials=1,seeds=1}" --batch 128 --schedule cosine --warmup 5% \
			-o "${OUT:-runs/paper}/precision-$dtype-${opt%%,*}"
	done
done

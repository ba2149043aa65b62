#!/bin/sh
# Root-free RMSProp, IF-Shampoo and Shampoo beside RMSProp, AdamW and SGD on transformers, with equal random searches.
# usage, from the top of the repository: CIFAR=FOLDER TEXT=FILE models/paper/transformers.sh [vit|gpt...]
set -eu
. models/paper/study.sh
[ $# -gt 0 ] || set -- vit gpt
for name; do
	case $name in
	vit) images vit --budget "${BUDGET:-epochs=1,trials=8,seeds=3}" ;;
	gpt) characters gpt --budget "${BUDGET:-steps=400,trials=8,seeds=3}" ;;
	*)
		echo "no study of $name: vit and gpt" >&2
		exit 2
		;;
	esac
done

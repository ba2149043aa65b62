#!/bin/sh
# The same comparison on further architectures: a small ConvNeXt on CIFAR-10 and an LSTM on characters.
# usage, from the top of the repository: CIFAR=FOLDER TEXT=FILE models/paper/further.sh [convnext|lstm...]
set -eu
. models/paper/study.sh
[ $# -gt 0 ] || set -- convnext lstm
for name; do
	case $name in
	convnext) images convnext --budget "${BUDGET:-steps=300,trials=5,seeds=3}" ;;
	lstm) characters lstm --budget "${BUDGET:-steps=300,trials=5,seeds=3}" ;;
	*)
		echo "no study of $name: convnext and lstm" >&2
		exit 2
		;;
	esac
done

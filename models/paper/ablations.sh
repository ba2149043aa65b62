#!/bin/sh
# What the paper leaves open, on LeNet-5 and MNIST. First {root, none} x {number of loss terms, none} x {start at 1, at 0} x
# {float32, bf16 state}, each with a search for lr and damping; then schedules x interval x rate of the preconditioner for
# IF-Shampoo. usage, from the top of the repository: MNIST=FOLDER models/paper/ablations.sh
set -eu
: "${MNIST:?is the folder with the four files of MNIST}"
out=${OUT:-runs/paper}
study() {
	"${ONNXTRAIN:-./onnxtrain}" compare --model models/lenet5.onnx --init fresh --batch 64 \
		--data "idx:$MNIST/train-images-idx3-ubyte.gz,$MNIST/train-labels-idx1-ubyte.gz" \
		--test "idx:$MNIST/t10k-images-idx3-ubyte.gz,$MNIST/t10k-labels-idx1-ubyte.gz" --jobs 2 "$@"
}
set --
for root in false true; do
	for terms in true false; do
		for zero in false true; do
			for state in f32 bf16; do
				set -- "$@" --opt "rfrmsprop,root=$root,batch_scaling=$terms,zero_init=$zero,state_dtype=$state"
			done
		done
	done
done
study "$@" --tune lr=1e-5..1e-1:log --tune damping=1e-8..1e-2:log --tune-only lr,damping --schedule cosine --warmup 5% \
	--budget "${BUDGET:-steps=400,trials=8,seeds=3}" -o "$out/ablation-root"
for schedule in constant cosine step onecycle; do
	set --
	for interval in 1 2 10 log4:10; do
		for beta2 in 0.05 0.1 0.3 0.6; do
			set -- "$@" --opt "ifshampoo,interval=$interval,beta2=$beta2"
		done
	done
	[ $schedule = onecycle ] || set -- "$@" --warmup 5% # onecycle warms up by itself
	study "$@" --tune-only lr --schedule $schedule --budget "${BUDGET:-steps=400,trials=4,seeds=3}" -o "$out/ablation-$schedule"
done

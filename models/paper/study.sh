# study MODEL FLAG... compares root-free RMSProp, IF-Shampoo and Shampoo with RMSProp, AdamW and SGD. Read by scripts beside it.
study() {
	model=$1
	shift
	"${ONNXTRAIN:-./onnxtrain}" compare --model "models/$model.onnx" --init fresh --dtype bf16 "$@" \
		--opts sgd,adamw,rmsprop,rfrmsprop,ifshampoo --opt shampoo,interval=2 \
		--schedule cosine --warmup 5% --jobs 2 -o "${OUT:-runs/paper}/$model"
}

# images MODEL FLAG... is a study on CIFAR-10, characters MODEL FLAG... one on tinyshakespeare.
images() {
	: "${CIFAR:?is the folder with cifar10-train-jpg.tar.gz and cifar10-test-jpg.tar.gz}"
	study "$@" --data "imagefolder:$CIFAR/cifar10-train-jpg.tar.gz?crop=4&flip=1" --test "imagefolder:$CIFAR/cifar10-test-jpg.tar.gz" --batch 128
}
characters() {
	study "$@" --data "text:${TEXT:?is tinyshakespeare.txt}?split=train&stride=16" --test "text:$TEXT?split=val" --batch 64 --clip-norm 1
}

# make test is the quick profile of every change; make long is everything.
GO ?= go
STATICCHECK = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.7.0
RACE = ./graph/... ./data ./train/... ./registry/... ./internal/...

.PHONY: build test example check race builds long generate bench reliability crash checkpoints malformed nan digests memory plugins \
	soak fuzz
build:
	CGO_ENABLED=0 $(GO) build -o onnxtrain ./cmd/onnxtrain

test: example
	$(GO) test ./...

# An onnxtrain with an optimizer from outside of the module is built, checked and trained with; optimizers that are programs of
# their own are built and checked.
example:
	$(GO) -C examples/plugin test ./...
	$(GO) -C examples/plugin run . --model ../../models/mlp.onnx --opt signum --steps 20 --out "$$(mktemp -d)" --progress none
	dir="$$(mktemp -d)" && $(GO) -C examples/plugin build -o "$$dir/signum" ./program && $(GO) -C examples/adamw-program build -o "$$dir" . && \
		$(GO) build -o "$$dir" ./cmd/onnxtrain && "$$dir/onnxtrain" plugins test "$$dir/signum" --size 0 && \
		"$$dir/onnxtrain" plugins test "$$dir/adamw-program" --size 0 && rm -r "$$dir"

check: builds
	$(GO) vet ./...
	$(STATICCHECK) ./...

# Every build that is promised.
builds:
	$(GO) build ./...
	$(GO) vet -tags noasm ./...
	GOARCH=arm64 $(GO) build ./...
	GOAMD64=v1 $(GO) build ./...
	GOAMD64=v3 $(GO) build ./...

# The race detector needs a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race -short $(RACE)

long: check race
	$(GO) test -tags noasm ./...
	GOAMD64=v3 $(GO) test ./tensor/... ./backend/...
	ONNXTRAIN_LONG=1 $(GO) test -timeout 90m ./...

generate:
	$(GO) generate ./...

bench:
	$(GO) test -run '^$$' -bench . ./tensor/linalg ./backend/cpu

# The proofs of reliability, each with its size; make test runs a small one of every kind.
LONGTEST = ONNXTRAIN_LONG=1 $(GO) test -v -timeout 30h
reliability: crash checkpoints malformed nan digests memory plugins soak fuzz

KILLS ?= 200
crash:
	$(LONGTEST) ./train -run TestKilledInEveryPhase -crash.kills $(KILLS)

MUTATIONS ?= 5000
checkpoints:
	$(LONGTEST) ./train/checkpoint -run 'TestEveryOperationFails|TestPowerFails|TestEveryMutationIsDetected|TestMixedCheckpoints' \
		-checkpoint.mutations $(MUTATIONS)

MODELS ?= 20000
FILES ?= 5000
malformed:
	$(LONGTEST) ./onnxload -run 'TestPublishedVulnerabilities|TestExchangedWhileOpening'
	$(LONGTEST) ./cmd/onnxtrain/app -run TestMalformed -malformed.models $(MODELS) -malformed.data $(FILES)

nan:
	$(LONGTEST) ./train -run TestNaN

STEPS ?= 200
digests:
	$(LONGTEST) ./train -run TestSameDigests -digest.steps $(STEPS) -digest.batch 32

RUNS ?= 100
memory:
	$(LONGTEST) ./cmd/onnxtrain/app -run 'TestPlanIsWhatIsTaken|TestControlGroup' -memory.runs $(RUNS)

plugins:
	$(LONGTEST) ./cmd/onnxtrain/app -run 'TestPlugin|TestHostKilled|TestRestartedAsAnother'

SOAK ?= 24h
soak:
	$(LONGTEST) ./train -run TestSoak -soak.time $(SOAK) -soak.model resnet20 -soak.opt ifshampoo

# Every fuzz target, one after the other. Inputs that fail are left in testdata/fuzz of their package.
FUZZTIME ?= 1h
FUZZ = onnxload:FuzzDecode onnxload:FuzzDecodeTensor train:FuzzStep train:FuzzConfig train/checkpoint:FuzzTensors \
	train/checkpoint:FuzzState data:FuzzIDX data:FuzzNpy data:FuzzNpz data:FuzzCSV data:FuzzTar data:FuzzImage
fuzz:
	for f in $(FUZZ); do \
		$(GO) test ./$${f%%:*} -run '^$$' -fuzz "^$${f##*:}\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x || exit 1; done

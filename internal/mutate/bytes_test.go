package mutate

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestMutations makes many of each kind: they differ from the model and from one another, depend on the seed alone, and stay
// near its size.
func TestMutations(t *testing.T) {
	b, err := os.ReadFile("../../testdata/exports/01-batchnorm-opset14.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if s := spans(b, model, 0); len(s) < 100 || s[len(s)-1].end > len(b) {
		t.Fatalf("%d fields", len(s))
	}
	for name, mutate := range map[string]func([]byte, *rand.Rand) []byte{"bytes": Bytes, "cut": Cut, "inflate": Inflate, "nest": Nest,
		"structure": func(b []byte, r *rand.Rand) []byte { return ONNX(b, []string{"Relu"}, r) }} {
		t.Run(name, func(t *testing.T) {
			original := bytes.Clone(b)
			seen := map[string]bool{}
			began := time.Now()
			const n = 200
			for seed := range uint64(n) {
				x := mutate(b, rand.New(rand.NewPCG(seed, 1)))
				if !bytes.Equal(x, mutate(b, rand.New(rand.NewPCG(seed, 1)))) {
					t.Fatal("the same seed gives another result")
				}
				seen[string(x)] = true
				if len(x) > len(b)+1<<21 {
					t.Errorf("%d bytes out of %d", len(x), len(b))
				}
			}
			if !bytes.Equal(b, original) {
				t.Error("the model itself was changed")
			}
			if delete(seen, string(b)); len(seen) < n/4 {
				t.Errorf("only %d different results", len(seen))
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
}

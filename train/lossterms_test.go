package train

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/data"
)

// TestLossTerms checks the number that the optimizer is told for whole and short batches and for sums of several.
func TestLossTerms(t *testing.T) {
	const context = 64 // positions of the language model
	for _, c := range []struct {
		model, terms string
		batches      []int // of 4, 4 and 2 examples
		want         int
	}{
		{"mlp", "batch+seq", []int{0}, 4},
		{"mlp", "batch", []int{2}, 2},
		{"mlp", "batch", []int{0, 1}, 8},
		{"mlp", "batch+seq", []int{1, 2}, 6},
		{"mlp", "batch", []int{0, 1, 2}, 10},
		{"mlp", "sum", []int{0, 1, 2}, 1},
		{"gpt", "batch+seq", []int{0}, 4 * context},
		{"gpt", "batch+seq", []int{1, 2}, 6 * context},
		{"gpt", "batch", []int{1, 2}, 6},
		{"gpt", "sum", []int{2}, 1},
	} {
		s := openModel(t, c.model, func(o *Config) { o.LossTerms = c.terms })
		trainer := trainerOf(t, s)
		all := batches(t, s)
		var some []*data.Batch
		for _, i := range c.batches {
			some = append(some, all[i])
		}
		steps(t, trainer, some, 1)
		for name, got := range seen.of {
			if got.terms != c.want {
				t.Errorf("%s, %s, batches %v: %s is told %d terms, want %d", c.model, c.terms, c.batches, name, got.terms, c.want)
			}
		}
		if len(seen.of) == 0 {
			t.Errorf("%s: nothing is updated", c.model)
		}
	}
}

// TestShortBatchWeighs checks that accumulated gradients are those of all examples at once.
func TestShortBatchWeighs(t *testing.T) {
	var ends [2][]float64
	for i, size := range []int{4, 10} {
		s := openModel(t, "mlp", func(c *Config) { c.Batch = size })
		steps(t, trainerOf(t, s), batches(t, s), 1)
		ends[i] = s.Engine.Values[0].Float64s()
	}
	for i, x := range ends[0] {
		if math.Abs(x-ends[1][i]) > 1e-6 {
			t.Fatalf("element %d is %v after batches of 4, 4 and 2, and %v after one of 10", i, x, ends[1][i])
		}
	}
}

package ops

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestRandomMoments compares mean and variance of 40000 numbers with the distribution's: by five standard errors.
func TestRandomMoments(t *testing.T) {
	const count = 40000
	p := tensor.New(tensor.Float32, count)
	for i := range p.F32() {
		p.F32()[i] = 0.3
	}
	logs := floats32([]int{1, 3}, float32(math.Log(0.5)), float32(math.Log(0.5)), float32(math.Log(1.0)))
	for _, c := range []struct {
		typ            string
		attrs          graph.Attrs
		in             []*tensor.Tensor
		mean, variance float64
	}{
		{"RandomNormal", graph.MakeAttrs("shape", []int{count}, "mean", 2.0, "scale", 3.0), nil, 2, 9},
		{"RandomUniform", graph.MakeAttrs("shape", []int{count}, "low", -1.0, "high", 2.0), nil, 0.5, 0.75},
		{"Bernoulli", nil, one(p), 0.3, 0.21},
		{"Multinomial", graph.MakeAttrs("sample_size", count), one(logs), 1.25, 0.6875},
	} {
		for _, seed := range []float64{1, 2} {
			def, err := op.Resolve("", c.typ, 22)
			if err != nil {
				t.Fatal(err)
			}
			g, n, err := call(def, op.Sample{Attrs: c.attrs.With("seed", seed), In: c.in}, tensor.Invalid)
			if err != nil {
				t.Fatal(err)
			}
			values, err := op.Evaluate(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			mean, variance := moments(values[n.Out[0].ID].Float64s())
			if d := math.Abs(mean - c.mean); d > 5*math.Sqrt(c.variance/count) {
				t.Errorf("%s: mean %v, want %v", c.typ, mean, c.mean)
			}
			// The fourth central moment is at most 3 variances squared for all of these.
			if d := math.Abs(variance - c.variance); d > 5*c.variance*math.Sqrt(2.0/count) {
				t.Errorf("%s: variance %v, want %v", c.typ, variance, c.variance)
			}
		}
	}
}

// TestRandomSeeds expects equal numbers from equal seeds and names, and others from different ones.
func TestRandomSeeds(t *testing.T) {
	first := func(name string, attrs graph.Attrs) float64 {
		return drawOf(&graph.Node{Name: name, Attrs: attrs}).uniform(0)
	}
	one, two := graph.MakeAttrs("seed", 1.0), graph.MakeAttrs("seed", 2.0)
	if first("a", nil) != first("a", nil) || first("a", one) != first("b", one) {
		t.Error("the same seed gives different numbers")
	}
	if first("a", nil) == first("b", nil) || first("a", one) == first("a", two) {
		t.Error("different seeds give the same numbers")
	}
}

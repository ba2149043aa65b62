package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestSummedLossThroughANetwork trains a network on the mean and on the sum of a loss over 4 terms. Root-free methods
// take the same path when damping, and the curvature to start from, are 4 times those of the mean; without the number of
// terms they do not.
func TestSummedLossThroughANetwork(t *testing.T) {
	const terms = 4
	for _, c := range []struct {
		opt    string
		powers map[string][]float64 // of terms, by slot and order of the parameter
	}{
		{"rfrmsprop,lr=0.01", map[string][]float64{"curvature": {1, 1, 1, 1, 1}}},
		{"rfadamw,lr=0.01", map[string][]float64{"curvature": {1, 1, 1, 1, 1}}},
		{"ifshampoo,lr=0.01", map[string][]float64{"K": {0, -1. / 2, -1. / 4, -1. / 6, -1. / 8}}},
	} {
		sum := summed(t, c.opt+",damping=0.004", terms, c.powers, true)
		for _, told := range []bool{true, false} {
			worst := 0.0
			for i, w := range summed(t, c.opt+",damping=0.001", 1, nil, told) {
				for j, x := range w {
					worst = max(worst, math.Abs(x-sum[i][j])/max(1e-2, math.Abs(x)))
				}
			}
			t.Logf("%s, told the number of terms %v: mean and sum differ by %.2g", c.opt, told, worst)
			if told && worst > 1e-11 || !told && worst < 1e-6 {
				t.Errorf("%s, told the number of terms %v: mean and sum differ by %v", c.opt, told, worst)
			}
		}
	}
}

// summed trains three steps in float64 on the loss times scale, which is told as one of a single term where it is not the
// mean, and returns the weights. powers scale the initial state; told false hides the number of terms.
func summed(t *testing.T, opt string, scale float64, powers map[string][]float64, told bool) [][]float64 {
	t.Helper()
	s := openModel(t, "lenet5", func(c *Config) { c.Opt, c.DType, c.Batch, c.Data = opt, "f64", 4, "synthetic:?n=4" })
	trainer := trainerOf(t, s)
	batch := batches(t, s)[:1]
	for _, slot := range trainer.opt.Slots {
		for name, power := range powers {
			param, kind, _ := strings.Cut(slot.Name, "/")
			if strings.TrimRight(kind, "1234") != name {
				continue
			}
			for _, p := range s.Engine.Params {
				if p.Name == param {
					scaleAll(slot.Tensor, math.Pow(scale, power[squeezed(p.Shape)]))
				}
			}
		}
	}
	for step := 1; step <= 3; step++ {
		r := StepResult{Step: step}
		grads, _, terms, err := trainer.gradient(context.Background(), batch, &r)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range grads {
			scaleAll(g, scale)
		}
		if scale != 1 || !told {
			terms = 1
		}
		if _, err := trainer.opt.update(registry.Context{Step: step, LossTerms: terms, Pool: s.Pool}, s.Engine.Values, grads); err != nil {
			t.Fatal(err)
		}
	}
	var weights [][]float64
	for _, v := range s.Engine.Values {
		weights = append(weights, v.Float64s())
	}
	return weights
}

// squeezed is the order of a shape without axes of size 1.
func squeezed(shape tensor.Shape) int {
	n := 0
	for _, d := range shape {
		if d > 1 {
			n++
		}
	}
	return max(n, 1)
}

func scaleAll(x *tensor.Tensor, by float64) {
	v := x.Float64s()
	for i := range v {
		v[i] *= by
	}
	x.SetFloat64s(v)
}

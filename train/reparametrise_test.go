package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// coordinates are others of a parameter w: w is v times scale, and then sheared along every axis by a matrix A that adds
// shear times the first slice to the second. Axes of size 1 stay.
type coordinates struct{ scale, shear float64 }

// lines calls f with the places of the first two elements of every line along axis n.
func lines(shape tensor.Shape, n int, f func(first, second int)) {
	right, block := shape[n+1:].Elems(), shape[n:].Elems()
	if shape[n] == 1 {
		return
	}
	for at := 0; at < shape.Elems(); at += block {
		for r := range right {
			f(at+r, at+right+r)
		}
	}
}

// toW is w of v, and for scale 1/scale and -shear v of w.
func (c coordinates) toW(v []float64, shape tensor.Shape) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = c.scale * x
	}
	for n := range shape {
		lines(shape, n, func(first, second int) { w[second] += c.shear * w[first] })
	}
	return w
}

func (c coordinates) toV(w []float64, shape tensor.Shape) []float64 {
	return coordinates{1 / c.scale, -c.shear}.toW(w, shape)
}

// gradient is that by v, of that by w.
func (c coordinates) gradient(g []float64, shape tensor.Shape) []float64 {
	out := make([]float64, len(g))
	for i, x := range g {
		out[i] = c.scale * x
	}
	for n := range shape {
		lines(shape, n, func(first, second int) { out[first] += c.shear * out[second] })
	}
	return out
}

// start transforms the state that an optimizer starts from: the curvature by the square of the scale, factors to A's inverse.
func (c coordinates) start(slots []registry.NamedSlot) {
	for _, s := range slots {
		_, kind, _ := strings.Cut(s.Name, "/")
		x := s.Tensor.Float64s()
		switch {
		case kind == "curvature":
			for i := range x {
				x[i] *= c.scale * c.scale
			}
		case strings.TrimRight(kind, "1234") == "K" && len(x) > 1:
			x[int(math.Sqrt(float64(len(x))))] = -c.shear // below the first of a d by d matrix
		}
		s.Tensor.SetFloat64s(x)
	}
}

// TestOtherCoordinatesThroughANetwork trains a network's parameters in other coordinates: root-free RMSProp takes the same path
// whatever their scale, IF-Shampoo whatever their basis along each axis; with a root the path is another.
func TestOtherCoordinatesThroughANetwork(t *testing.T) {
	for _, test := range []struct {
		opt    string
		in     coordinates
		differ bool
	}{
		{"rfrmsprop,lr=1e-3,beta2=0.3,damping=0,weight_decay=0", coordinates{0.3, 0}, false},
		{"rfadamw,lr=1e-3,beta2=0.3,damping=0,weight_decay=0", coordinates{3, 0}, false},
		{"ifshampoo,lr=1e-3,beta2=0.5,damping=0,weight_decay=0,interval=1", coordinates{1, 0.5}, false},
		{"rmsprop,lr=1e-3,eps=0", coordinates{0.3, 0}, true},
		{"adamw,lr=1e-3,eps=0,weight_decay=0", coordinates{3, 0}, true},
		{"sgd,lr=0.1", coordinates{0.3, 0}, true},
		{"rfrmsprop,lr=1e-3,beta2=0.3,damping=0,weight_decay=0", coordinates{1, 0.5}, true},
	} {
		moved, worst := 0.0, 0.0
		plain, other := inCoordinates(t, test.opt, coordinates{1, 0}), inCoordinates(t, test.opt, test.in)
		first := openModel(t, "lenet5", func(c *Config) { c.Opt, c.DType = test.opt, "f64" }).Engine.Values
		for i, w := range plain {
			start := first[i].Float64s()
			for j, x := range w {
				moved, worst = max(moved, math.Abs(x-start[j])), max(worst, math.Abs(x-other[i][j]))
			}
		}
		t.Logf("%s, scale %v, shear %v: weights move by up to %.2g, paths differ by up to %.2g", test.opt, test.in.scale, test.in.shear, moved, worst)
		if !test.differ && worst > 1e-10*moved || test.differ && worst < 1e-3*moved {
			t.Errorf("%s: paths differ by %v", test.opt, worst)
		}
	}
}

// inCoordinates trains three steps in float64 and returns the weights.
func inCoordinates(t *testing.T, opt string, in coordinates) [][]float64 {
	t.Helper()
	s := openModel(t, "lenet5", func(c *Config) { c.Opt, c.DType, c.Batch, c.Data = opt, "f64", 4, "synthetic:?n=4" })
	trainer, batch := trainerOf(t, s), batches(t, s)[:1]
	in.start(trainer.opt.Slots)
	var own []*tensor.Tensor
	for _, w := range s.Engine.Values {
		own = append(own, tensor.Of(w.Shape, in.toV(w.Float64s(), w.Shape)...))
	}
	for step := 1; step <= 3; step++ {
		r := StepResult{Step: step}
		grads, _, terms, err := trainer.gradient(context.Background(), batch, &r)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range grads {
			g.SetFloat64s(in.gradient(g.Float64s(), g.Shape))
		}
		if _, err := trainer.opt.update(registry.Context{Step: step, LossTerms: terms, Pool: s.Pool}, own, grads); err != nil {
			t.Fatal(err)
		}
		for i, w := range s.Engine.Values {
			w.SetFloat64s(in.toW(own[i].Float64s(), w.Shape))
		}
	}
	var weights [][]float64
	for _, w := range s.Engine.Values {
		weights = append(weights, w.Float64s())
	}
	return weights
}

package pass

import (
	"bytes"
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestRandomOperatorsDrawAnewInTraining looks at mean and variance of what every random operator draws within five
// standard errors, and at what other steps, seeds and places draw.
func TestRandomOperatorsDrawAnewInTraining(t *testing.T) {
	const n = 20000
	float := graph.MakeAttrs("dtype", 1)
	tests := []struct {
		typ            string
		attrs          graph.Attrs
		of             []*tensor.Tensor
		mean, variance float64
	}{
		{"RandomUniform", graph.MakeAttrs("shape", []int{n}, "low", -1.0, "high", 3.0), nil, 1, 16.0 / 12},
		{"RandomUniformLike", nil, []*tensor.Tensor{tensor.New(tensor.Float32, n)}, 0.5, 1.0 / 12},
		{"RandomNormal", graph.MakeAttrs("shape", []int{n}, "mean", 2.0, "scale", 0.5), nil, 2, 0.25},
		{"RandomNormalLike", float, []*tensor.Tensor{tensor.New(tensor.Int64, n)}, 0, 1},
		{"RandomNormalLike", graph.MakeAttrs("seed", 7.0), []*tensor.Tensor{tensor.New(tensor.Float64, n)}, 0, 1},
		{"Bernoulli", float, []*tensor.Tensor{op.Uniform(1, 0.3, 0.3, n)}, 0.3, 0.21},
		{"Bernoulli", nil, []*tensor.Tensor{tensor.Of(tensor.Shape{n}, halves(n)...)}, 0.5, 0.25},
		// Classes 0 and 2 at odds of 3 to 1: mean 0.5, variance 4·3/16.
		{"Multinomial", graph.MakeAttrs("sample_size", n), []*tensor.Tensor{tensor.Of(tensor.Shape{1, 3},
			float32(math.Log(3)), float32(math.Inf(-1)), 0)}, 0.5, 0.75},
	}
	for _, test := range tests {
		s := newSketch()
		var in []*graph.Value
		for _, x := range test.of {
			in = append(in, s.NewConst("", x))
		}
		s.output("a", s.op(test.typ, test.attrs, in...))
		s.output("b", s.op(test.typ, test.attrs, in...))
		b := build(t, s, Options{Training: true, Loss: Loss{Kind: "none"}})
		draw := func(seed, step int64) []*tensor.Tensor {
			return outputs(t, b, map[string]*tensor.Tensor{RNGInput: tensor.Vector(seed, step)})
		}
		first := draw(1, 2)
		mean, variance, fourth := moments(first[0].Float64s())
		if e := 5 * math.Sqrt(test.variance/n); !(math.Abs(mean-test.mean) <= e) {
			t.Errorf("%s: mean %v, want %v ± %v", test.typ, mean, test.mean, e)
		}
		if e := 5 * math.Sqrt((fourth-variance*variance)/n); !(math.Abs(variance-test.variance) <= e+1e-3) {
			t.Errorf("%s: variance %v, want %v ± %v", test.typ, variance, test.variance, e)
		}
		for what, other := range map[string]*tensor.Tensor{"step": draw(1, 3)[0], "seed": draw(2, 2)[0], "node": first[1]} {
			if bytes.Equal(other.Data, first[0].Data) {
				t.Errorf("%s: another %s draws the same", test.typ, what)
			}
		}
		if !bytes.Equal(draw(1, 2)[0].Data, first[0].Data) {
			t.Errorf("%s: the same seed and step draw something else", test.typ)
		}
		if got := first[0].DType; got != b.Graph.Outputs[0].Type.DType {
			t.Errorf("%s: %v", test.typ, got)
		}
	}
}

func halves(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.5
	}
	return v
}

// moments are the mean, the variance and the fourth central moment.
func moments(x []float64) (mean, variance, fourth float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		d := (v - mean) * (v - mean)
		variance += d / float64(len(x))
		fourth += d * d / float64(len(x))
	}
	return mean, variance, fourth
}

func TestRandomOperatorsAreFixedInEvaluation(t *testing.T) {
	s := newSketch()
	s.output("y", s.op("RandomNormal", graph.MakeAttrs("shape", []int{5})))
	b := build(t, s, Options{Loss: Loss{Kind: "none"}})
	if b.RNG != nil || !bytes.Equal(outputs(t, b, nil)[0].Data, outputs(t, b, nil)[0].Data) {
		t.Error("evaluation draws anew")
	}
}

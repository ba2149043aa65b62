package ops

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestErrorsOfElementwiseOperators(t *testing.T) {
	x := count(2, 3)
	list := func(in ...*tensor.Tensor) op.Sample { return op.Sample{In: in} }
	for _, c := range []struct {
		typ   string
		opset int
		s     op.Sample
		want  string // part of the message
	}{
		{"Sub", 13, list(x, count(2)), "do not broadcast"},
		{"Sub", 13, list(x, ints(1, 2, 3)), "different element types"},
		{"Sub", 6, list(x, count(3)), "attribute broadcast is not set"},
		{"Sub", 6, with(list(count(3, 2, 3), count(3)), "broadcast", 1, "axis", 0), "from axis 0 on, which is not supported"},
		{"Sub", 6, with(list(count(3), count(2, 3)), "broadcast", 1), "does not broadcast to [3]"},
		{"PRelu", 6, list(count(2, 3, 4), count(4)), "does not broadcast to the input"},
		{"Div", 13, list(ints(1, 2), ints(1, 0)), "integer division by zero"},
		{"Mod", 13, list(ints(1, 2), ints(1, 0)), "integer division by zero"},
		{"Mod", 13, list(x, x), "fmod must be 1"},
		{"Pow", 13, list(ints(0), ints(-1)), "0 to a negative power"},
		{"Pow", 7, list(x, ints(1, 2, 3)), "element type int64"},
		{"Max", 13, list(), "no inputs"},
		{"Max", 8, list(ints(1)), "element type int64"},
		{"Greater", 7, list(ints(1), ints(2)), "element type int64"},
		{"And", 7, list(x, x), "element type float32"},
		{"BitShift", 11, with(list(tensor.Vector[uint8](1), tensor.Vector[uint8](1)), "direction", "UP"), `direction is "UP"`},
		{"BitShift", 11, with(list(ints(1), ints(1)), "direction", "LEFT"), "element type int64"},
		{"Clip", 13, list(x, count(2)), "is not one number"},
		{"Clip", 6, list(x, count(1)), "at most 1"},
		{"Gelu", 20, with(list(x), "approximate", "sigmoid"), `"sigmoid" instead of none or tanh`},
		{"PRelu", 16, list(x, count(4, 1, 1)), "slope of shape [4,1,1] does not broadcast to the input's [2,3]"},
		{"Where", 16, list(x, x, x), "element type float32"},
		{"BitCast", 26, with(list(x), "to", 7), "the bits of float32 do not fit int64"},
	} {
		t.Run(c.typ+"/"+c.want, func(t *testing.T) {
			err := failure(t, c.typ, c.opset, c.s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestIntegersAreExact compares what is no floating point bit by bit, since float64 rounds large integers.
func TestIntegersAreExact(t *testing.T) {
	everySample(t, func(t *testing.T, def op.Def, s op.Sample) {
		g, n, err := call(def, s, tensor.Invalid)
		if err != nil {
			t.Fatal(err)
		}
		values, err := op.Evaluate(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range s.Want {
			if want == nil || want.DType.IsFloat() {
				continue
			}
			if got := values[n.Out[i].ID]; !bytes.Equal(got.Data, want.Data) {
				t.Errorf("output %d is %v, want %v", i, got.Int64s(), want.Int64s())
			}
		}
	})
}

// TestGradientsOnKinks has what finite differences cannot tell: ties, kinks, and points where a factor is not finite.
// The expected numbers are PyTorch's.
func TestGradientsOnKinks(t *testing.T) {
	x := tensor.Vector(-1.0, 0, 1)
	zero, one := tensor.Vector(0.0, 0, 0), tensor.Vector(1.0, 1, 1)
	for _, c := range []struct {
		name, typ string
		s         op.Sample
		want      []*tensor.Tensor // by input; nil: not compared
	}{
		{"ties", "Max", op.Sample{In: []*tensor.Tensor{x, zero}},
			[]*tensor.Tensor{tensor.Vector(0, 0.5, 1), tensor.Vector(1, 0.5, 0)}},
		{"ties", "Min", op.Sample{In: []*tensor.Tensor{x, zero}},
			[]*tensor.Tensor{tensor.Vector(1, 0.5, 0), tensor.Vector(0, 0.5, 1)}},
		{"0^0", "Pow", op.Sample{In: []*tensor.Tensor{zero, tensor.Vector(0.0, 1, 2)}},
			[]*tensor.Tensor{tensor.Vector(0.0, 1, 0), zero}},
		{"negative base", "Pow", op.Sample{In: []*tensor.Tensor{tensor.Vector(-2.0, -2, -2), tensor.Vector(1.0, 2, 3)}},
			[]*tensor.Tensor{tensor.Vector(1.0, -4, 12), nil}},
		{"at 0", "Abs", op.Sample{In: []*tensor.Tensor{x}}, []*tensor.Tensor{tensor.Vector(-1.0, 0, 1)}},
		{"at 0", "Relu", op.Sample{In: []*tensor.Tensor{x}}, []*tensor.Tensor{tensor.Vector(0.0, 0, 1)}},
		{"at 0", "LeakyRelu", with(op.Sample{In: []*tensor.Tensor{x}}, "alpha", 0.5),
			[]*tensor.Tensor{tensor.Vector(0.5, 0.5, 1)}},
		{"at 0", "Elu", with(op.Sample{In: []*tensor.Tensor{tensor.Vector(0.0)}}, "alpha", 2.0),
			[]*tensor.Tensor{tensor.Vector(2.0)}},
		{"at 0", "PRelu", op.Sample{In: []*tensor.Tensor{x, tensor.Vector(0.25)}},
			[]*tensor.Tensor{tensor.Vector(0.25, 0.25, 1), tensor.Vector(-1.0)}},
		{"at the bounds", "Clip", op.Sample{In: []*tensor.Tensor{x, tensor.Scalar(-1.0), tensor.Scalar(1.0)}},
			[]*tensor.Tensor{one, nil, nil}},
		{"at the bounds", "HardSigmoid", with(op.Sample{In: []*tensor.Tensor{tensor.Vector(-3.0, 3)}}, "alpha", 1.0/6),
			[]*tensor.Tensor{tensor.Vector(0.0, 0)}},
		{"at the bounds", "HardSwish", op.Sample{In: []*tensor.Tensor{tensor.Vector(-4.0, 4)}},
			[]*tensor.Tensor{tensor.Vector(0.0, 1)}},
	} {
		t.Run(c.typ+" "+c.name, func(t *testing.T) {
			for i, got := range gradients(t, c.typ, c.s) {
				if c.want[i] != nil {
					near(t, c.typ, got, c.want[i])
				}
			}
		})
	}
}

// gradients are those of the sum of the output with respect to every input.
func gradients(t *testing.T, typ string, s op.Sample) []*tensor.Tensor {
	t.Helper()
	def, err := op.Resolve("", typ, op.EmitOpset)
	if err != nil {
		t.Fatal(err)
	}
	g, n, err := call(def, s, tensor.Invalid)
	if err != nil {
		t.Fatal(err)
	}
	total, err := op.Build(g, nil, op.Internal, "SumTo", graph.MakeAttrs("shape", []int{}), 1, n.Out[0])
	if err != nil {
		t.Fatal(err)
	}
	grads, err := autodiff.Gradient(g, total[0], nil, n.In)
	if err != nil {
		t.Fatal(err)
	}
	values, err := op.Evaluate(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]*tensor.Tensor, len(grads))
	for i, v := range grads {
		if v != nil {
			out[i] = values[v.ID]
		}
	}
	return out
}

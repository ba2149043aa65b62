package ops

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestGradients compares the gradient of every sample with finite differences of the float64 reference: the gradient
// of a randomly weighted sum of all floating-point outputs.
func TestGradients(t *testing.T) {
	t.Parallel()
	everySample(t, func(t *testing.T, def op.Def, s op.Sample) {
		if def.Grad == nil || s.NoGrad {
			t.Skip("no gradient to check")
		}
		g, n, err := call(def, s, tensor.Float64)
		if err != nil {
			t.Fatal(err)
		}
		loss := weigh(t, g, n)
		if loss == nil {
			t.Skip("no floating-point output")
		}
		params := g.Params()
		forward := len(g.Nodes)
		grads, err := autodiff.Gradient(g, loss, nil, params)
		if err != nil {
			t.Fatal(err)
		}
		values, err := op.Evaluate(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Nodes = g.Nodes[:forward]
		for k, v := range params {
			if grads[k] == nil {
				if input(n, v) >= 0 && !contains(def.NoGrad, input(n, v)) {
					t.Errorf("no gradient for input %d", input(n, v))
				}
				continue
			}
			differences(t, g, loss, v, values[grads[k].ID].Float64s())
		}
	})
}

// weigh appends the sum of all floating-point outputs, each element with a weight of its own.
func weigh(t *testing.T, g *graph.Graph, n *graph.Node) *graph.Value {
	emit := func(domain, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
		out, err := op.Build(g, nil, domain, typ, attrs, 1, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	var total *graph.Value
	for i, v := range n.Out {
		if v.Type.DType != tensor.Float64 {
			continue
		}
		w := tensor.New(tensor.Float64, v.Type.Shape...)
		w.SetFloat64s(op.Uniform(uint64(100+i), 0.5, 1.5, v.Type.Shape...).Float64s())
		part := emit(op.Internal, "SumTo", graph.MakeAttrs("shape", []int{}), emit("", "Mul", nil, v, g.NewConst("", w)))
		if total != nil {
			part = emit("", "Add", nil, total, part)
		}
		total = part
	}
	return total
}

// differences checks the gradient of loss at up to 20 elements of v.
func differences(t *testing.T, g *graph.Graph, loss, v *graph.Value, grad []float64) {
	scale := 1.0
	for _, x := range grad {
		scale = math.Max(scale, math.Abs(x))
	}
	at := func(i int, x float64) float64 {
		moved := v.Init.Clone()
		tensor.Slice[float64](moved)[i] = x
		values, err := op.Evaluate(g, map[*graph.Value]*tensor.Tensor{v: moved})
		if err != nil {
			t.Fatal(err)
		}
		return values[loss.ID].Float64s()[0]
	}
	x := tensor.Slice[float64](v.Init)
	step := max(1, len(x)/20)
	for i := 0; i < len(x); i += step {
		// Five points: the error is of order h^4 from the formula and eps/h from rounding.
		const h = 1e-3
		want := (8*(at(i, x[i]+h)-at(i, x[i]-h)) - (at(i, x[i]+2*h) - at(i, x[i]-2*h))) / (12 * h)
		if d := math.Abs(grad[i] - want); !(d <= 1e-6*scale) {
			t.Errorf("gradient of %s, element %d of %v: %.10g, finite differences give %.10g", v.Name, i, v.Init.Shape, grad[i], want)
			return
		}
	}
}

func input(n *graph.Node, v *graph.Value) int {
	for i, in := range n.In {
		if in == v {
			return i
		}
	}
	return -1
}

func contains(list []int, x int) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

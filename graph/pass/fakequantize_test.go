package pass

import (
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestFakeQuantizeTrains(t *testing.T) {
	g := graph.New("qat")
	build := func(domain, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
		out, err := op.Build(g, nil, domain, typ, attrs, 1, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	init := tensor.Vector[float32](0.3, -1, 100, 2)
	w := g.NewValue("w", graph.Param, graph.Type{DType: init.DType, Shape: init.Shape})
	w.Init = init
	q := build("", "QuantizeLinear", nil, w, g.NewConst("s1", tensor.Scalar[float32](0.5)), g.NewConst("z1", tensor.Scalar[int8](0)))
	d := build("", "DequantizeLinear", nil, q, g.NewConst("s2", tensor.Scalar[float32](0.5)), g.NewConst("z2", tensor.Scalar[int8](0)))
	y := build("", "Mul", nil, d, g.NewConst("c", tensor.Vector[float32](1, 2, 3, 4)))
	loss := build(op.Internal, "SumTo", graph.MakeAttrs("shape", []int{}), y)
	g.Outputs = []*graph.Value{loss}
	if err := recognise(&Built{Graph: g}, nil); err != nil {
		t.Fatal(err)
	}
	grads, err := autodiff.Gradient(g, loss, nil, []*graph.Value{w})
	if err != nil {
		t.Fatal(err)
	}
	if grads[0] == nil {
		t.Fatal("no gradient reaches the quantized weight")
	}
	values, err := op.Evaluate(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := values[loss.ID].Float64s()[0], 0.5-2+3*63.5+8; got != want {
		t.Errorf("loss %v, want %v", got, want)
	}
	if got, want := values[grads[0].ID].Float64s(), []float64{1, 2, 0, 4}; !slices.Equal(got, want) {
		t.Errorf("gradient %v, want %v", got, want)
	}
}

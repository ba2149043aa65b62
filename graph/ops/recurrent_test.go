package ops

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestRecurrentGradientOfLastState takes the gradient of Y_h alone, where the model does not ask for Y: the rule then
// makes the forward node give it.
func TestRecurrentGradientOfLastState(t *testing.T) {
	for _, typ := range []string{"LSTM", "GRU", "RNN"} {
		def, err := op.Resolve("", typ, op.EmitOpset)
		if err != nil {
			t.Fatal(err)
		}
		s := recurrentCase{name: "last state", steps: 3, bias: true, state: true}.sample(typ)
		g, n, err := call(def, s, tensor.Float64)
		if err != nil {
			t.Fatal(err)
		}
		loss := weigh(t, g, &graph.Node{Out: n.Out[1:2]})
		n.Out = []*graph.Value{nil, n.Out[1]}
		g.Outputs = []*graph.Value{loss}
		params := g.Params()
		forward := len(g.Nodes)
		grads, err := autodiff.Gradient(g, loss, nil, params)
		if err != nil {
			t.Fatal(err)
		}
		if n.Out[0] == nil || n.Out[0].Producer != n {
			t.Errorf("%s: Y is missing", typ)
		}
		if err := g.Check(); err != nil {
			t.Error(err)
		}
		values, err := op.Evaluate(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Nodes = g.Nodes[:forward]
		for i, v := range params {
			if grads[i] == nil {
				t.Fatalf("%s: no gradient of %s", typ, v.Name)
			}
			differences(t, g, loss, v, values[grads[i].ID].Float64s())
		}
	}
}

// TestRecurrentActivations compares each derivative with a difference quotient.
func TestRecurrentActivations(t *testing.T) {
	for _, a := range recurrentActivations {
		alpha, beta := []float32{0.7}, []float32{0.3}
		f, err := activationOf(a.name, &alpha, &beta)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []float64{-2.3, -0.4, 0.11, 0.9, 1.7} {
			const h = 1e-6
			want := (f.f(x+h) - f.f(x-h)) / (2 * h)
			if got := f.slope(x, f.f(x)); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s'(%v) = %v, differences give %v", a.name, x, got, want)
			}
		}
	}
}

package ops

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// call builds a node that calls def on a sample, with floating-point inputs converted to float when that is not
// Invalid, and infers it.
func call(def op.Def, s op.Sample, float tensor.DType) (*graph.Graph, *graph.Node, error) {
	g := graph.New("sample")
	n := &graph.Node{Name: "node", Op: def.ID(), Attrs: s.Attrs}
	for i, t := range s.In {
		if t == nil {
			n.In = append(n.In, nil)
			continue
		}
		if float != tensor.Invalid && t.DType.IsFloat() {
			wide := tensor.New(float, t.Shape...)
			wide.SetFloat64s(t.Float64s())
			t = wide
		}
		v := g.NewConst(fmt.Sprintf("in%d", i), t)
		if t.DType.IsFloat() && !slices.Contains(s.Const, i) {
			v.Kind = graph.Param
		}
		n.In = append(n.In, v)
	}
	for i := range max(s.Outs, 1) {
		n.Out = append(n.Out, g.NewValue(fmt.Sprintf("out%d", i), graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	if err := def.Infer(n); err != nil {
		return nil, nil, err
	}
	g.Outputs = append(g.Outputs, n.Out...)
	return g, n, nil
}

// everySample runs f on every sample of every operator, named Type-version/sample.
func everySample(t *testing.T, f func(t *testing.T, def op.Def, s op.Sample)) {
	for _, def := range op.All() {
		if def.Samples == nil {
			continue
		}
		for _, s := range def.Samples() {
			t.Run(fmt.Sprintf("%v/%s", def.ID(), s.Name), func(t *testing.T) { f(t, def, s) })
		}
	}
}

func TestEveryOperatorHasSamples(t *testing.T) {
	for _, def := range op.All() {
		if def.Samples == nil || len(def.Samples()) == 0 {
			t.Errorf("%v has no samples", def.ID())
		}
	}
}

func TestSamples(t *testing.T) {
	everySample(t, func(t *testing.T, def op.Def, s op.Sample) {
		g, n, err := call(def, s, tensor.Invalid)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range n.Out {
			if !v.Type.Static() {
				t.Fatalf("output %d has type %v after inference", i, v.Type)
			}
		}
		values, err := op.Evaluate(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range s.Want {
			if want != nil {
				near(t, fmt.Sprintf("output %d", i), values[n.Out[i].ID], want)
			}
		}
		if def.View && !slices.Equal(values[n.Out[0].ID].Data, values[n.In[0].ID].Data) {
			t.Errorf("a view must keep the elements in order")
		}
	})
}

func near(t *testing.T, what string, got, want *tensor.Tensor) {
	t.Helper()
	if got.DType != want.DType || !got.Shape.Equal(want.Shape) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
	g, w := got.Float64s(), want.Float64s()
	for i := range g {
		same := g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i])
		if !same && !(math.Abs(g[i]-w[i]) <= 1e-5+1e-5*math.Abs(w[i])) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, g[i], w[i])
		}
	}
}

package pass

import (
	"fmt"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// sketch writes a graph as a file would give it.
type sketch struct{ *graph.Graph }

func newSketch() *sketch {
	g := graph.New("test")
	g.Opset[""] = 17
	return &sketch{g}
}

func (s *sketch) input(name string, dt tensor.DType, shape ...int) *graph.Value {
	v := s.NewValue(name, graph.Input, graph.Type{DType: dt, Shape: append(tensor.Shape{}, shape...)})
	s.Inputs = append(s.Inputs, v)
	return v
}

// weight is an initializer of numbers around 0.
func (s *sketch) weight(name string, shape ...int) *graph.Value {
	return s.NewConst(name, op.Normalish(uint64(len(s.Values)+1), shape...))
}

func (s *sketch) ints(v ...int64) *graph.Value { return s.NewConst("", tensor.Vector(v...)) }

func (s *sketch) op(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	out := s.NewValue("", graph.Computed, graph.Type{})
	name := fmt.Sprintf("%s_%d", typ, len(s.Nodes))
	s.AddNode(&graph.Node{Name: name, Op: graph.OpID{Type: typ, Since: s.Opset[""]}, Attrs: attrs, In: in, Out: []*graph.Value{out}})
	return out
}

// output names a value and makes it an output of the graph.
func (s *sketch) output(name string, v *graph.Value) {
	v.Name = name
	s.Outputs = append(s.Outputs, v)
}

func build(t *testing.T, s *sketch, o Options) *Built {
	t.Helper()
	b, err := Build(s.Graph, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	return b
}

// outputs evaluates a built graph on the reference; feed gives inputs by name.
func outputs(t *testing.T, b *Built, feed map[string]*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	fed := map[*graph.Value]*tensor.Tensor{}
	for _, v := range b.Graph.Inputs {
		fed[v] = feed[v.Name]
	}
	values, err := op.Evaluate(b.Graph, fed)
	if err != nil {
		t.Fatal(err)
	}
	var out []*tensor.Tensor
	for _, v := range b.Graph.Outputs {
		out = append(out, values[v.ID])
	}
	return out
}

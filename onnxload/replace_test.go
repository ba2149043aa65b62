package onnxload

import (
	"bytes"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestReplaceChangesShapesOfACopy gives the LeNet another head.
func TestReplaceChangesShapesOfACopy(t *testing.T) {
	m, err := Open("../models/lenet5.onnx", Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, err := m.proto.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	g := mustGraph(t, m)
	head := g.Outputs[0].Producer
	weight, bias := head.In[1].Name, head.In[2].Name
	shape := head.In[1].Type.Shape
	c, err := m.Replace(Replacement{
		Weights: map[string]*tensor.Tensor{weight: tensor.New(tensor.Float32, 3, shape[1]), bias: tensor.New(tensor.Float64, 3)},
		Outputs: map[string]map[int]int{g.Outputs[0].Name: {1: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if after, err := m.proto.Marshal(); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the model itself changed, %v", err)
	}
	if c.Path != m.Path || c.Producer != m.Producer || c.IRVersion != m.IRVersion || len(c.Metadata) != len(m.Metadata) {
		t.Errorf("%q %q %d of the copy", c.Path, c.Producer, c.IRVersion)
	}
	// What is written of the copy has the new shapes, in the type of the file.
	out := saved(t, c, map[string]*tensor.Tensor{bias: tensor.Vector[float32](1, 2, 3)})
	h := mustGraph(t, out)
	if got := h.Outputs[0].Type.Shape; !slices.Equal(got, tensor.Shape{-1, 3}) {
		t.Errorf("the output is declared as %v", got)
	}
	for _, v := range h.Values {
		if v.Name == bias && (v.Type.DType != tensor.Float32 || !slices.Equal(v.Init.Float64s(), []float64{1, 2, 3})) {
			t.Errorf("bias %v %v", v.Type, v.Init.Float64s())
		}
	}
	if _, err := m.Replace(Replacement{Weights: map[string]*tensor.Tensor{"nothing": tensor.New(tensor.Float32, 1)}}); err == nil {
		t.Error("an unknown weight is taken")
	}
}

// TestReplaceCorrectsDeclarations of inputs that are initializers too, as before IR version 4, and drops those of values.
func TestReplaceCorrectsDeclarations(t *testing.T) {
	g := graphOf("x,w", "y", some(initializer("w", tensor.New(tensor.Float32, 2))), node("Mul", "x,w", "z"), node("Neg", "z", "y"))
	g.ValueInfo = []*onnxpb.ValueInfoProto{floats2("z"), floats2("w")}
	p := file(g)
	p.IrVersion = ptr(int64(3))
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode("test", b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Replace(Replacement{Weights: map[string]*tensor.Tensor{"w": tensor.New(tensor.Float32, 5)}, Undeclared: []string{"z"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.proto.Graph.Input[1].GetType().GetTensorType().GetShape().GetDim()[0].GetDimValue(); got != 5 {
		t.Errorf("the input w is declared %d long", got)
	}
	if n := len(c.proto.Graph.ValueInfo); n != 0 || len(m.proto.Graph.ValueInfo) != 2 {
		t.Errorf("%d declarations are left, and %d in the model itself", n, len(m.proto.Graph.ValueInfo))
	}
}

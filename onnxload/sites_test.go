package onnxload

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// shared is a model in the form of inference exports: n.weight, m.weight and the int table t are Identities.
func shared() *onnxpb.ModelProto {
	return file(graphOf("x", "y,out", some(initializer("w", row(1, 1)), initializer("i", tensor.Vector[int64](1, 0))),
		node("Identity", "w", "n.weight"), node("Identity", "n.weight", "m.weight"), node("Identity", "w", "out"),
		node("Identity", "i", "t"),
		node("Mul", "x,w", "a"), node("Mul", "a,n.weight", "b"), node("Mul", "b,m.weight", "c"), node("Gather", "c,t",
			"y", attr("axis", 1))))
}

func TestSaveSplitsIdentities(t *testing.T) {
	m := mustDecode(t, shared())
	for _, c := range []struct {
		name       string
		w          Weights
		identities int // left of four
		want       map[string][]float64
	}{
		{"nothing", Weights{}, 4,
			map[string][]float64{"w": {1, 1}, "n.weight": {1, 1}, "m.weight": {1, 1}, "out": {1, 1}}},
		{"one", Weights{Tensors: map[string]*tensor.Tensor{"n.weight": row(2, 3), "m.weight": row(1, 1), "w": row(1, 1)}},
			2, map[string][]float64{"w": {1, 1}, "n.weight": {2, 3}, "m.weight": {1, 1}, "out": {1, 1}}},
		{"source", Weights{Tensors: map[string]*tensor.Tensor{"n.weight": row(1, 1), "w": row(4, 5)}},
			3, map[string][]float64{"w": {4, 5}, "n.weight": {1, 1}, "m.weight": {1, 1}, "out": {4, 5}}},
		{"frozen", Weights{Tensors: map[string]*tensor.Tensor{"w": row(4, 5)}},
			3, map[string][]float64{"w": {4, 5}, "n.weight": {1, 1}, "m.weight": {1, 1}, "out": {4, 5}}},
		{"equal again", Weights{Tensors: map[string]*tensor.Tensor{"w": row(4, 5), "n.weight": row(4, 5), "m.weight": row(4, 5)}},
			4, map[string][]float64{"w": {4, 5}, "n.weight": {4, 5}, "m.weight": {4, 5}, "out": {4, 5}}},
		{"tied", Weights{Tied: true, Tensors: map[string]*tensor.Tensor{"w": row(4, 5)}},
			4, map[string][]float64{"w": {4, 5}, "n.weight": {4, 5}, "m.weight": {4, 5}, "out": {4, 5}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.onnx")
			if err := m.Save(path, c.w); err != nil {
				t.Fatal(err)
			}
			out, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			mustGraph(t, out)
			for name, want := range c.want {
				if got := floatsOf(t, out, name); !slices.Equal(got, want) {
					t.Errorf("%s = %v, want %v", name, got, want)
				}
			}
			if got, want := nodeTypes(out), strings.Repeat("Identity ", c.identities)+"Mul Mul Mul Gather"; got != want {
				t.Errorf("nodes %s, want %s", got, want)
			}
		})
	}
}

func TestSaveOfOldFilesListsNewInitializersAsInputs(t *testing.T) {
	p := shared()
	p.IrVersion = ptr[int64](3)
	out := saved(t, mustDecode(t, p), map[string]*tensor.Tensor{"n.weight": row(2, 3)})
	last := out.proto.Graph.Input[len(out.proto.Graph.Input)-1]
	if last.GetName() != "n.weight" || last.Type.GetTensorType().GetElemType() != 1 ||
		last.Type.GetTensorType().Shape.Dim[0].GetDimValue() != 2 {
		t.Errorf("the last input is %v", last)
	}
	if in := mustGraph(t, out).Inputs; len(in) != 1 || in[0].Name != "x" {
		t.Errorf("inputs %v", in)
	}
}

func TestSaveWritesConstantNodes(t *testing.T) {
	sparse := &onnxpb.SparseTensorProto{Dims: []int64{2}, Values: initializer("", row(3)), Indices: initializer("",
		tensor.Vector[int64](1))}
	m := mustDecode(t, file(graphOf("x", "y", nil, node("Constant", "", "a", attr("value", initializer("", row(1, 2)))),
		node("Constant", "", "b", attr("value_floats", []float32{1, 2})), node("Constant", "", "c", attr("sparse_value", sparse)),
		node("Identity", "a", "d"), node("Sum", "x,a,b,c,d", "y"))))
	out := saved(t, m, map[string]*tensor.Tensor{"a": row(5, 6), "b": row(7, 8), "c": row(9, 10)})
	for name, want := range map[string][]float64{"a": {5, 6}, "b": {7, 8}, "c": {9, 10}, "d": {5, 6}} {
		if got := floatsOf(t, out, name); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if got := nodeTypes(out); got != "Constant Constant Constant Identity Sum" {
		t.Errorf("nodes %s", got)
	}
}

// TestSaveOfWeightsInFunctions expands functions when, and only when, a weight lies inside of one.
func TestSaveOfWeightsInFunctions(t *testing.T) {
	f := fn("Scale", "x,w", "y", node("Identity", "w", "v"), node("Mul", "x,v", "y"))
	f.OpsetImport = append(imports("", 17), imports("g", 2)...)
	p := withFunctions(graphOf("x", "z", some(initializer("w", row(1, 1))), call("Scale", "x,w", "y"), call("Scale",
		"y,w", "z")), f)
	m := mustDecode(t, p)
	if out := saved(t, m, nil); !bytes.Equal(encode(t, out.proto), encode(t, p)) {
		t.Error("without new weights the file is another")
	}
	if out := saved(t, m, map[string]*tensor.Tensor{"node y/v": row(1, 1)}); len(out.proto.Functions) != 1 {
		t.Error("functions are expanded for a weight that stayed as it was")
	}
	out := saved(t, m, map[string]*tensor.Tensor{"node y/v": row(2, 2), "node z/v": row(1, 1)})
	if got := nodeTypes(out); got != "Mul Identity Mul" || len(out.proto.Functions) != 0 || out.Opset["g"] != 2 {
		t.Errorf("nodes %s, %d functions, opsets %v", got, len(out.proto.Functions), out.Opset)
	}
	if got := floatsOf(t, out, "node y/v"); got[0] != 2 {
		t.Errorf("the weight is %v", got)
	}
	// An initializer that only passes through a call needs no expansion, but here it has split-off copies inside.
	if out := saved(t, m, map[string]*tensor.Tensor{"w": row(3, 3)}); len(out.proto.Functions) != 0 || floatsOf(t, out,
		"node z/v")[0] != 1 {
		t.Error("training the initializer changed its copies")
	}
	f.OpsetImport = imports("", 16)
	m = mustDecode(t, p)
	want := `m.onnx: a weight is stored in a function, which cannot be written: function "Scale" imports opset 16 of domain "" and the model 17`
	for _, err := range []error{m.CheckWeights([]string{"node y/v"}), m.CheckWeights([]string{"w"}),
		m.Save(filepath.Join(t.TempDir(), "o.onnx"), Weights{Tensors: map[string]*tensor.Tensor{"w": row(2, 2)}})} {
		wantError(t, fmt.Sprint(err), want)
	}
	saved(t, m, map[string]*tensor.Tensor{"w": row(1, 1)})
}

func TestCheckWeights(t *testing.T) {
	m := mustDecode(t, shared())
	if err := m.CheckWeights([]string{"w", "n.weight", "m.weight"}); err != nil {
		t.Error(err)
	}
	wantError(t, fmt.Sprint(m.CheckWeights([]string{"w", "c"})), `m.onnx: the model stores no weight "c"`)
}

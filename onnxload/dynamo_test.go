package onnxload

import (
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// scoped is a node of a module, as PyTorch's dynamo exporter writes it.
func scoped(n *onnxpb.NodeProto, module string) *onnxpb.NodeProto {
	n.MetadataProps = []*onnxpb.StringStringEntryProto{entry(scopesKey, "['', '"+module+"', 'node']")}
	return n
}

func declared(name, kind string) *onnxpb.ValueInfoProto {
	return &onnxpb.ValueInfoProto{Name: &name, MetadataProps: []*onnxpb.StringStringEntryProto{entry(kindKey, kind)}}
}

// merged is a model of two modules whose equal scales became one initializer, and one module that is called twice.
func merged() *onnxpb.ModelProto {
	return file(graphOf("x", "y", some(initializer("a.weight", row(1, 1)), initializer("c.weight", row(1, 2))),
		scoped(node("Mul", "x,a.weight", "p"), "a"), scoped(node("Mul", "p,a.weight", "q"), "b"),
		scoped(node("Mul", "q,a.weight", "r"), "b"), scoped(node("Mul", "r,c.weight", "s"), "c"),
		scoped(node("Mul", "s,c.weight", "y"), "d")))
}

func TestMergedInitializersBecomeEachModulesOwn(t *testing.T) {
	m := mustDecode(t, merged())
	var reads []string
	for _, n := range m.proto.Graph.Node {
		reads = append(reads, n.Input[1])
	}
	if want := []string{"a.weight", "b.weight", "b.weight", "c.weight", "c.weight"}; !slices.Equal(reads, want) {
		t.Errorf("the nodes read %v, want %v", reads, want)
	}
	again := saved(t, m, map[string]*tensor.Tensor{"b.weight": row(3, 4)})
	if a, b := floatsOf(t, again, "a.weight"), floatsOf(t, again, "b.weight"); !slices.Equal(a, []float64{1, 1}) || !slices.Equal(b, []float64{3, 4}) {
		t.Errorf("saved as %v and %v", a, b)
	}
}

func TestWhatIsNoParameterIsFixed(t *testing.T) {
	p := file(graphOf("x", "y", some(initializer("w", row(1, 2)), initializer("mask", row(1, 0)), initializer("val_1", row(2))),
		node("Mul", "x,w", "p"), node("Mul", "p,mask", "q"), node("Mul", "q,val_1", "y")))
	p.Graph.ValueInfo = []*onnxpb.ValueInfoProto{declared("w", "PARAMETER"), declared("mask", "BUFFER")}
	g, err := mustDecode(t, p).NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	fixed := map[string]bool{}
	for _, v := range g.OfKind(graph.Const) {
		fixed[v.Name] = v.Fixed
	}
	if fixed["w"] || !fixed["mask"] || !fixed["val_1"] {
		t.Errorf("fixed: %v", fixed)
	}
}

func TestTransposedParameterIsTheSameWeight(t *testing.T) {
	wide := tensor.Of([]int{2, 3}, float32(1), 2, 3, 4, 5, 6)
	tall := tensor.Of([]int{3, 2}, float32(1), 4, 2, 5, 3, 6)
	p := file(graphOf("x", "y", some(initializer("wte.weight", wide), initializer("val_9", tall)),
		node("MatMul", "x,wte.weight", "p"), node("MatMul", "p,val_9", "y")))
	m := mustDecode(t, p)
	if m.transposed["val_9"] != "" {
		t.Error("without a word of the exporter these are two weights")
	}
	p.Graph.ValueInfo = []*onnxpb.ValueInfoProto{declared("wte.weight", "PARAMETER")}
	m = mustDecode(t, p)
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(g.OfKind(graph.Const)); n != 1 {
		t.Errorf("%d initializers are left", n)
	}
	again := saved(t, m, map[string]*tensor.Tensor{"wte.weight": tensor.Of([]int{2, 3}, float32(6), 5, 4, 3, 2, 1)})
	if got, want := floatsOf(t, again, "val_9"), []float64{6, 3, 5, 2, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("saved as %v, want %v", got, want)
	}
}

package onnxload

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestGraphHoldsWhatTheFileSays(t *testing.T) {
	g := graphOf("w,x,s", "y,z", some(initializer("w", row(1, 2)), initializer("unread", row(3))),
		node("Clip", "a,,s", "y"), // out of order: a comes later
		node("Add", "x,w", "a"),
		&onnxpb.NodeProto{OpType: ptr("Custom"), Domain: ptr("com.example"), Input: []string{"a"}, Output: []string{"", "z"},
			Attribute: []*onnxpb.AttributeProto{attr("note", "hi")}},
	)
	p := file(g)
	p.OpsetImport = append(p.OpsetImport, imports("com.example", 3)...)
	p.OpsetImport[0].Domain = ptr("ai.onnx")
	p.ProducerVersion = ptr("1.2")
	p.MetadataProps = []*onnxpb.StringStringEntryProto{entry("k", "v")}
	m := mustDecode(t, p)
	if m.Path != "m.onnx" || m.Producer != "test 1.2" || m.IRVersion != 8 || !reflect.DeepEqual(m.Metadata,
		map[string]string{"k": "v"}) ||
		!reflect.DeepEqual(m.Opset, map[string]int{"": 17, "com.example": 3}) {
		t.Errorf("%+v", m)
	}
	got := mustGraph(t, m)
	want := `graph g
input    x float32[-1,2]
input    s float32[-1,2]
const    w float32[2]
const    unread float32[1]
node a = Add-17(x, w)
node y = Clip-17(a, _, s)
Custom_2 = com.example::Custom-3(a) {note="hi"}
`
	text := fmt.Sprintln("graph", got.Name)
	for _, v := range got.Values {
		if v.Kind != graph.Computed {
			text += fmt.Sprintf("%-8v %s %v\n", v.Kind, v.Name, v.Type)
		}
	}
	for _, n := range got.Nodes {
		text += fmt.Sprintf("%s = %v(", n.Name, n.Op)
		for i, v := range n.In {
			if i > 0 {
				text += ", "
			}
			if v == nil {
				text += "_"
			} else {
				text += v.Name
			}
		}
		text += ")"
		if n.Attrs.Has("note") {
			text += fmt.Sprintf(" {note=%q}", n.Attrs.String("note", ""))
		}
		text += "\n"
	}
	if text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	if got.File != "m.onnx" || !reflect.DeepEqual(got.Inputs[0].Symbols, []string{"N", ""}) || got.Nodes[2].Out[0] != nil ||
		got.Outputs[1] != got.Nodes[2].Out[1] || !got.Outputs[0].Type.Shape.Equal(tensor.Shape{-1, 2}) {
		t.Errorf("file %q, inputs %v, outputs %v", got.File, got.Inputs, got.Outputs)
	}
	if again := mustGraph(t, m); again == got || again.Values[0] == got.Values[0] {
		t.Error("a second graph shares values with the first")
	}
}

func TestAttributes(t *testing.T) {
	w := initializer("", row(1, 2))
	n := node("Any", "x", "y", attr("i", -3), attr("f", float32(0.5)), attr("s", "text"),
		attr("is", []int64{1, 2}),
		attr("fs", []float32{1}), attr("ss", [][]byte{[]byte("a"), []byte("b")}), attr("t", w), attr("none", []int64(nil)),
		&onnxpb.AttributeProto{Name: ptr("ts"), Type: ptr(onnxpb.AttributeProto_TENSORS), Tensors: some(w, w)},
		&onnxpb.AttributeProto{Name: ptr("untyped"), I: ptr[int64](9)})
	n.Domain = ptr("com.example") // whose operators may have any attribute
	p := file(graphOf("x", "y", nil, n))
	p.OpsetImport = append(p.OpsetImport, imports("com.example", 3)...)
	a := mustGraph(t, mustDecode(t, p)).Nodes[0].Attrs
	for name, want := range map[string]any{"i": int64(-3), "f": float32(0.5), "s": "text", "is": []int64{1, 2}, "fs": []float32{1},
		"ss": []string{"a", "b"}, "none": []int64{}, "untyped": int64(9)} {
		if got := a.Get(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", name, got, want)
		}
	}
	if !slices.Equal(a.Tensor("t").F32(), []float32{1, 2}) || len(a.Get("ts").([]*tensor.Tensor)) != 2 {
		t.Errorf("tensors %v, %v", a.Get("t"), a.Get("ts"))
	}
	if !slices.IsSortedFunc(a, func(x, y graph.Attr) int { return strings.Compare(x.Name, y.Name) }) {
		t.Errorf("attributes are not sorted: %v", a)
	}
}

func TestGraphsThatAreRefused(t *testing.T) {
	add := func() *onnxpb.NodeProto { return node("Add", "x,w", "y") }
	w := initializer("w", row(1, 2))
	typed := func(v any) *onnxpb.ModelProto {
		p := file(graphOf("x", "y", some(w), add()))
		p.Graph.Input[0].Type = &onnxpb.TypeProto{}
		switch v := v.(type) {
		case *onnxpb.TypeProto_SequenceType:
			p.Graph.Input[0].Type.Value = v
		case *onnxpb.TypeProto_OptionalType:
			p.Graph.Input[0].Type.Value = v
		case *onnxpb.TypeProto_MapType:
			p.Graph.Input[0].Type.Value = v
		case int32:
			p.Graph.Input[0].Type.Value = &onnxpb.TypeProto_TensorType{TensorType: &onnxpb.TypeProto_Tensor{ElemType: &v}}
		}
		return p
	}
	foreign := node("Custom", "x", "y")
	foreign.Domain = ptr("com.example")
	noOpset := file(graphOf("x", "y", nil, node("Relu", "x", "y")))
	noOpset.OpsetImport = nil
	twoOpsets := file(graphOf("x", "y", nil, node("Relu", "x", "y")))
	twoOpsets.OpsetImport = append(twoOpsets.OpsetImport, imports("ai.onnx", 18)...)
	for _, c := range []struct {
		name string
		p    *onnxpb.ModelProto
		want string
	}{
		{"cycle", file(graphOf("x", "a", nil, node("Add", "x,b", "a"), node("Relu", "a", "b"))),
			`node "node a" (Add-17): the graph has a cycle: "node b" <- "node a"`},
		{"undefined", file(graphOf("x", "y", nil, add())),
			`node "node y" (Add-17): input 1, "w": no input, initializer or node of the graph has that name`},
		{"output not computed", file(graphOf("x", "z", some(w), add())), `output "z": no input, initializer or node`},
		{"no output", file(graphOf("x", "", some(w), add())), "the graph has no output"},
		{"unnamed output", file(&onnxpb.GraphProto{Output: []*onnxpb.ValueInfoProto{{}}}), "output 0 has no name"},
		{"two nodes, one output", file(graphOf("x", "y", some(w), add(), node("Relu", "x", "y"))),
			`node "node y" (Relu-17): output 0, "y", is already the name of another value`},
		{"node overwrites initializer", file(graphOf("x", "w", some(w), node("Relu", "x", "w"))),
			`node "node w" (Relu-17): output 0, "w", is already the name of another value`},
		{"two initializers", file(graphOf("x", "y", some(w, w), add())), `initializer "w" has the name of another value`},
		{"unnamed initializer", file(graphOf("x", "y", some(w, initializer("", row(1))), add())),
			"an initializer float32[1] has no name"},
		{"two inputs", file(graphOf("x,x", "y", some(w), add())), `there are two inputs "x"`},
		{"unnamed input", file(graphOf("x,", "y", some(w), add())), "input 1 has no name"},
		{"sequence", typed(&onnxpb.TypeProto_SequenceType{SequenceType: &onnxpb.TypeProto_Sequence{}}),
			`input "x": it is a sequence; only dense tensors are supported`},
		{"optional", typed(&onnxpb.TypeProto_OptionalType{OptionalType: &onnxpb.TypeProto_Optional{}}),
			`input "x": it is optional; only dense`},
		{"map", typed(&onnxpb.TypeProto_MapType{MapType: &onnxpb.TypeProto_Map{}}), `input "x": it is a map; only dense`},
		{"string input", typed(int32(8)),
			`input "x": element type string is not supported; supported are bfloat16, bool, float16, float32`},
		{"no type", typed(nil), `input "x": it has no element type`},
		{"no operator", file(graphOf("x", "y", nil, node("", "x", "y"))), `node "node y" (-17): it names no operator`},
		{"no domain", file(graphOf("x", "y", nil, foreign)),
			`node "node y" (com.example::Custom-0): no opset of domain "com.example" is imported`},
		{"no opset", noOpset, `node "node y" (Relu-0): no opset of domain "" is imported`},
		{"two opsets", twoOpsets, `opsets 17 and 18 of domain "" are both imported`},
		{"node without output", file(graphOf("x", "x", nil, node("Relu", "x", ""))), `node "Relu_0" (Relu-17): it has no output`},
		{"two attributes", file(graphOf("x", "y", nil, node("Relu", "x", "y", attr("a", 1), attr("a", 2)))),
			`node "node y" (Relu-17): attribute "a" is given twice`},
		{"empty attribute", file(graphOf("x", "y", nil, node("Relu", "x", "y", attr("t", onnxpb.AttributeProto_TENSOR)))),
			`node "node y" (Relu-17): attribute "t": the value that its type promises is not there`},
		{"type attribute", file(graphOf("x", "y", nil, node("Relu", "x", "y", attr("t", onnxpb.AttributeProto_TYPE_PROTO)))),
			`attribute "t": attributes of type type_proto are not supported`},
		{"broken tensor in an attribute", file(graphOf("x", "y", nil,
			node("Constant", "", "y", attr("value", &onnxpb.TensorProto{DataType: ptr[int32](1), Dims: []int64{2}})))),
			`node "node y" (Constant): attribute "value": tensor "": 0 elements for float32[2], which takes 2`},
		{"reference outside of a function", file(graphOf("x", "y", nil, node("Relu", "x", "y", ref("a", "b",
			onnxpb.AttributeProto_INT)))),
			`node "node y" (Relu-17): attribute "a": it refers to "b" outside of a function`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, refusal(t, c.p), "m.onnx: ", c.want)
		})
	}
}

// branch computes name as x + w, both from around it.
func branch(name string) *onnxpb.GraphProto {
	return graphOf("", name, nil, node("Add", "a,w", name))
}

func TestSubgraphsCaptureValues(t *testing.T) {
	otherwise := graphOf("", "e", some(initializer("own", row(1, 2))), node("Sub", "x,own", "d"), node("Mul", "d,a", "e"))
	g := graphOf("x,c", "y", some(initializer("w", row(1, 2))), node("Relu", "x", "a"),
		node("If", "c", "y", attr("then_branch", branch("t")), attr("else_branch", otherwise)))
	got := mustGraph(t, mustDecode(t, file(g)))
	n := got.Nodes[1]
	if ops(got) != "Relu If" || len(n.In) != 4 {
		t.Fatalf("%v", got)
	}
	for i, want := range []string{"c", "a", "w", "x"} {
		if n.In[i] != valueNamed(t, got, want) {
			t.Errorf("input %d of If is %v, want %s", i, n.In[i], want)
		}
	}
	for _, name := range []string{"then_branch", "else_branch"} {
		body := n.Attrs.Graph(name)
		if err := body.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var captures []string
		for _, v := range body.OfKind(graph.Input) {
			if !slices.Contains(body.Inputs, v) {
				captures = append(captures, v.Name)
			}
		}
		if !slices.Equal(captures, []string{"a", "w", "x"}) {
			t.Errorf("%s captures %v", name, captures)
		}
	}
	if v := valueNamed(t, n.Attrs.Graph("then_branch"), "w"); v.Type.String() != "float32[2]" {
		t.Errorf("the captured weight has type %v", v.Type)
	}
}

func TestSubgraphsCaptureThroughSubgraphs(t *testing.T) {
	inner := graphOf("", "i", nil, node("Add", "x,b", "i"))
	middle := graphOf("", "m", nil, node("Relu", "b0", "b"), node("If", "c", "m", attr("then_branch", inner),
		attr("else_branch", inner)))
	g := graphOf("x,c,b0", "y", nil, node("If", "c", "y", attr("then_branch", middle), attr("else_branch", middle)))
	got := mustGraph(t, mustDecode(t, file(g)))
	n := got.Nodes[0]
	var in []string
	for _, v := range n.In {
		in = append(in, v.Name)
	}
	if !slices.Equal(in, []string{"c", "b0", "c", "x"}) {
		t.Errorf("the outer If reads %v", in)
	}
	body := n.Attrs.Graph("then_branch")
	if err := body.Check(); err != nil {
		t.Error(err)
	}
	if len(body.Nodes[1].In) != 3 {
		t.Errorf("the inner If reads %v", body.Nodes[1].In)
	}
	wantError(t, refusal(t, file(graphOf("x,c", "y", nil, node("If", "c", "y", attr("then_branch", branch("t")))))),
		`m.onnx: node "node y" (If-17): its subgraph reads "a": no input`)
	broken := graphOf("", "t", nil, node("Add", "x,x", "t"), node("Relu", "x", "t"))
	wantError(t, refusal(t, file(graphOf("x,c", "y", nil, node("If", "c", "y", attr("then_branch", broken))))),
		`m.onnx: node "node y" (If-17): attribute "then_branch": node "node t" (Relu-17): output 0, "t", is already`)
}

// TestShadowedNamesStayApart has a branch with a value of its own under a name that the other branch captures.
func TestShadowedNamesStayApart(t *testing.T) {
	shadow := graphOf("", "t", nil, node("Relu", "x", "a"), node("Relu", "a", "t"))
	capture := graphOf("", "e", nil, node("Relu", "a", "e"))
	g := graphOf("x,c,a", "y", nil, node("If", "c", "y", attr("then_branch", shadow), attr("else_branch", capture)))
	got := mustGraph(t, mustDecode(t, file(g)))
	body := got.Nodes[0].Attrs.Graph("then_branch")
	if err := body.Check(); err != nil {
		t.Fatal(err)
	}
	if len(body.OfKind(graph.Input)) != 2 || valueNamed(t, body, "a").Kind != graph.Computed {
		t.Errorf("%v", body)
	}
}

func TestOldFilesHaveOpsetOne(t *testing.T) {
	p := file(graphOf("x", "y", nil, node("Relu", "x", "y")))
	p.OpsetImport, p.IrVersion = nil, ptr[int64](1)
	if n := mustGraph(t, mustDecode(t, p)).Nodes[0]; n.Op.Since != 1 {
		t.Errorf("%v", n.Op)
	}
}

func TestDimensionsThatAreOpen(t *testing.T) {
	p := file(graphOf("x", "y", nil, node("Relu", "x", "y")))
	p.Graph.Input[0].Type.GetTensorType().Shape.Dim = []*onnxpb.TensorShapeProto_Dimension{
		{}, {Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "T"}},
		{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: -1}},
		{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 0}}}
	v := mustGraph(t, mustDecode(t, p)).Inputs[0]
	if !v.Type.Shape.Equal(tensor.Shape{-1, -1, -1, 0}) || !slices.Equal(v.Symbols, []string{"", "T", "", ""}) {
		t.Errorf("%v %q", v.Type, v.Symbols)
	}
	p.Graph.Input[0].Type.GetTensorType().Shape = nil
	if v := mustGraph(t, mustDecode(t, p)).Inputs[0]; v.Type.Shape != nil || v.Symbols != nil {
		t.Errorf("unknown rank became %v %q", v.Type, v.Symbols)
	}
}

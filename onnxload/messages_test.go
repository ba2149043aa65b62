package onnxload

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Handmade messages.

func ptr[T any](v T) *T { return &v }

// file is a model of opset 17 and IR version 8 around a graph.
func file(g *onnxpb.GraphProto, functions ...*onnxpb.FunctionProto) *onnxpb.ModelProto {
	return &onnxpb.ModelProto{IrVersion: ptr[int64](8), ProducerName: ptr("test"), Graph: g, OpsetImport: imports("", 17),
		Functions: functions}
}

func imports(domain string, version int64) []*onnxpb.OperatorSetIdProto {
	return []*onnxpb.OperatorSetIdProto{{Domain: &domain, Version: &version}}
}

// graphOf has float inputs and outputs of shape [N,2], given as "x,y" and "z".
func graphOf(inputs, outputs string, initializers []*onnxpb.TensorProto, nodes ...*onnxpb.NodeProto) *onnxpb.GraphProto {
	g := &onnxpb.GraphProto{Name: ptr("g"), Node: nodes, Initializer: initializers}
	for _, name := range names(inputs) {
		g.Input = append(g.Input, floats2(name))
	}
	for _, name := range names(outputs) {
		g.Output = append(g.Output, floats2(name))
	}
	return g
}

func floats2(name string) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{
		{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "N"}},
		{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 2}},
	}}
	return &onnxpb.ValueInfoProto{Name: &name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: ptr[int32](1), Shape: shape}}}}
}

// names splits "a,b,"; an empty part is an absent value.
func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// node is named after its first output.
func node(op, inputs, outputs string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
	out := names(outputs)
	n := &onnxpb.NodeProto{OpType: &op, Input: names(inputs), Output: out, Attribute: attrs}
	if len(out) > 0 {
		n.Name = ptr("node " + out[0])
	}
	return n
}

func attr(name string, value any) *onnxpb.AttributeProto {
	a := &onnxpb.AttributeProto{Name: &name}
	switch v := value.(type) {
	case int:
		a.Type, a.I = ptr(onnxpb.AttributeProto_INT), ptr(int64(v))
	case float32:
		a.Type, a.F = ptr(onnxpb.AttributeProto_FLOAT), &v
	case string:
		a.Type, a.S = ptr(onnxpb.AttributeProto_STRING), []byte(v)
	case []int64:
		a.Type, a.Ints = ptr(onnxpb.AttributeProto_INTS), v
	case []float32:
		a.Type, a.Floats = ptr(onnxpb.AttributeProto_FLOATS), v
	case [][]byte:
		a.Type, a.Strings = ptr(onnxpb.AttributeProto_STRINGS), v
	case *onnxpb.TensorProto:
		a.Type, a.T = ptr(onnxpb.AttributeProto_TENSOR), v
	case *onnxpb.SparseTensorProto:
		a.Type, a.SparseTensor = ptr(onnxpb.AttributeProto_SPARSE_TENSOR), v
	case *onnxpb.GraphProto:
		a.Type, a.G = ptr(onnxpb.AttributeProto_GRAPH), v
	case []*onnxpb.GraphProto:
		a.Type, a.Graphs = ptr(onnxpb.AttributeProto_GRAPHS), v
	case onnxpb.AttributeProto_AttributeType:
		a.Type = &v
	default:
		panic("unknown attribute type")
	}
	return a
}

// ref is an attribute that refers to one of the function's.
func ref(name, of string, kind onnxpb.AttributeProto_AttributeType) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: &name, RefAttrName: &of, Type: &kind}
}

func initializer(name string, t *tensor.Tensor) *onnxpb.TensorProto {
	p := &onnxpb.TensorProto{Name: &name, DataType: ptr(dataTypeOf(t.DType)), RawData: ptr(onnxpb.Raw(t.Data))}
	for _, d := range t.Shape {
		p.Dims = append(p.Dims, int64(d))
	}
	return p
}

func some(p ...*onnxpb.TensorProto) []*onnxpb.TensorProto { return p }

func row(values ...float32) *tensor.Tensor { return tensor.Vector(values...) }

func encode(t testing.TB, m interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDecode(t testing.TB, p *onnxpb.ModelProto) *Model {
	t.Helper()
	m, err := Decode("m.onnx", encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustGraph(t testing.TB, m *Model) *graph.Graph {
	t.Helper()
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	return g
}

// refusal is the error that decoding p and building its graph ends in.
func refusal(t testing.TB, p *onnxpb.ModelProto) string {
	t.Helper()
	m, err := Decode("m.onnx", encode(t, p))
	if err == nil {
		_, err = m.NewGraph()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

func wantError(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			t.Errorf("error %q does not say %q", got, part)
		}
	}
}

func valueNamed(t testing.TB, g *graph.Graph, name string) *graph.Value {
	t.Helper()
	i := slices.IndexFunc(g.Values, func(v *graph.Value) bool { return v.Name == name })
	if i < 0 {
		t.Fatalf("no value %q in\n%v", name, g)
	}
	return g.Values[i]
}

func ops(g *graph.Graph) string {
	var list []string
	for _, n := range g.Nodes {
		list = append(list, n.Op.Type)
	}
	return strings.Join(list, " ")
}

func write(t testing.TB, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func nearly(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Max(1, math.Abs(b)) }

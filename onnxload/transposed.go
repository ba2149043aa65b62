package onnxload

import (
	"bytes"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// findTransposed notes the initializers that are parameters of the model, transposed by an optimizing exporter: the head of
// a language model that shares the weight of its embedding. By initializer, the parameter. Only PyTorch's dynamo exporter
// says what is a parameter; elsewhere two initializers are two weights.
func (m *Model) findTransposed() {
	m.transposed = map[string]string{}
	g := m.proto.Graph
	kinds := kindsOf(g)
	for _, p := range g.Initializer {
		t := m.tensors[p].Tensor
		if len(kinds) == 0 || kinds[p.GetName()] != "" || t == nil || !t.DType.IsFloat() || len(t.Shape) != 2 || t.Elems() < 2 || uniform(t) {
			continue
		}
		for _, q := range g.Initializer {
			if kinds[q.GetName()] == "PARAMETER" && isTransposed(m.tensors[q].Tensor, t) {
				m.transposed[p.GetName()] = q.GetName()
				break
			}
		}
	}
}

// kindsOf is what the exporter says that initializers are in the model; empty when it does not say.
func kindsOf(g *onnxpb.GraphProto) map[string]string {
	kinds := map[string]string{}
	for _, v := range g.ValueInfo {
		for _, e := range v.MetadataProps {
			if e.GetKey() == kindKey {
				kinds[v.GetName()] = e.GetValue()
			}
		}
	}
	return kinds
}

func isTransposed(of, t *tensor.Tensor) bool {
	if of == nil || of.DType != t.DType || len(of.Shape) != 2 || of.Shape[0] != t.Shape[1] || of.Shape[1] != t.Shape[0] {
		return false
	}
	rows, columns, size := t.Shape[0], t.Shape[1], t.DType.Size()
	for r := range rows {
		for c := range columns {
			a, b := (r*columns+c)*size, (c*rows+r)*size
			if !bytes.Equal(t.Data[a:a+size], of.Data[b:b+size]) {
				return false
			}
		}
	}
	return true
}

func transpose(t *tensor.Tensor) *tensor.Tensor {
	rows, columns, size := t.Shape[0], t.Shape[1], t.DType.Size()
	out := tensor.New(t.DType, columns, rows)
	for r := range rows {
		for c := range columns {
			copy(out.Data[(c*rows+r)*size:][:size], t.Data[(r*columns+c)*size:])
		}
	}
	return out
}

// transposes makes nodes of the initializers that are transposed parameters.
func (b *builder) transposes() {
	if b.outer != nil {
		return
	}
	for _, name := range sortedKeys(b.m.transposed) {
		of := b.values[b.m.transposed[name]]
		v := b.g.NewValue(name, graph.Computed, graph.Type{})
		b.values[name] = v
		b.g.AddNode(&graph.Node{Name: name + "_Transpose", Op: graph.OpID{Type: "Transpose", Since: b.m.Opset[""]},
			Attrs: graph.MakeAttrs("perm", []int64{1, 0}), In: []*graph.Value{of}, Out: []*graph.Value{v}})
		b.g.Notice("%q is %q transposed, and is trained as the same weight", name, of.Name)
	}
}

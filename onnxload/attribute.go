package onnxload

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// attributes converts a node's attributes. Sparse tensors are dense here, so a Constant's sparse_value is a value.
func (b *builder) attributes(n *onnxpb.NodeProto, captures []string) (graph.Attrs, error) {
	attrs := make(graph.Attrs, 0, len(n.Attribute))
	for _, a := range n.Attribute {
		value, err := b.attribute(a, captures)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.GetName(), err)
		}
		name := a.GetName()
		if name == "sparse_value" && n.GetOpType() == "Constant" {
			name = "value"
		}
		attrs = append(attrs, graph.Attr{Name: name, Value: value})
	}
	slices.SortFunc(attrs, func(x, y graph.Attr) int { return strings.Compare(x.Name, y.Name) })
	for i := 1; i < len(attrs); i++ {
		if attrs[i].Name == attrs[i-1].Name {
			return nil, fmt.Errorf("attribute %q is given twice", attrs[i].Name)
		}
	}
	return attrs, nil
}

func (b *builder) attribute(a *onnxpb.AttributeProto, captures []string) (any, error) {
	if ref := a.GetRefAttrName(); ref != "" {
		return nil, fmt.Errorf("it refers to %q outside of a function", ref)
	}
	sub := func(g *onnxpb.GraphProto) (*graph.Graph, error) { return b.sub(g, captures) }
	t, held := attributeType(a), fields(a)
	if slices.ContainsFunc(held, func(h onnxpb.AttributeProto_AttributeType) bool { return h != t }) {
		return nil, fmt.Errorf("it is said to be of type %s and holds %v", t, held)
	}
	switch t {
	case onnxpb.AttributeProto_FLOAT:
		return only(a.F, given[float32])
	case onnxpb.AttributeProto_INT:
		return only(a.I, given[int64])
	case onnxpb.AttributeProto_STRING:
		if a.S == nil {
			return nil, errAbsent
		}
		return string(a.S), nil
	case onnxpb.AttributeProto_FLOATS:
		return append([]float32{}, a.Floats...), nil
	case onnxpb.AttributeProto_INTS:
		return append([]int64{}, a.Ints...), nil
	case onnxpb.AttributeProto_STRINGS:
		return each(a.Strings, func(s []byte) (string, error) { return string(s), nil })
	case onnxpb.AttributeProto_TENSOR:
		return only(a.T, b.m.tensor)
	case onnxpb.AttributeProto_SPARSE_TENSOR:
		return only(a.SparseTensor, b.m.sparseTensor)
	case onnxpb.AttributeProto_GRAPH:
		return only(a.G, sub)
	case onnxpb.AttributeProto_TENSORS:
		return each(a.Tensors, b.m.tensor)
	case onnxpb.AttributeProto_SPARSE_TENSORS:
		return each(a.SparseTensors, b.m.sparseTensor)
	case onnxpb.AttributeProto_GRAPHS:
		return each(a.Graphs, sub)
	default:
		return nil, fmt.Errorf("attributes of type %s are not supported", strings.ToLower(t.String()))
	}
}

// attributeType is the attribute's type; the first files left it to be seen from what is there.
func attributeType(a *onnxpb.AttributeProto) onnxpb.AttributeProto_AttributeType {
	if t := a.GetType(); t != onnxpb.AttributeProto_UNDEFINED {
		return t
	}
	for _, t := range fields(a) {
		return t
	}
	return onnxpb.AttributeProto_UNDEFINED
}

// fields are the types of what an attribute holds, which is one, or none for an empty list.
func fields(a *onnxpb.AttributeProto) []onnxpb.AttributeProto_AttributeType {
	var held []onnxpb.AttributeProto_AttributeType
	for _, f := range []struct {
		there bool
		t     onnxpb.AttributeProto_AttributeType
	}{
		{a.F != nil, onnxpb.AttributeProto_FLOAT}, {a.I != nil, onnxpb.AttributeProto_INT}, {a.S != nil, onnxpb.AttributeProto_STRING},
		{a.T != nil, onnxpb.AttributeProto_TENSOR}, {a.G != nil, onnxpb.AttributeProto_GRAPH},
		{a.SparseTensor != nil, onnxpb.AttributeProto_SPARSE_TENSOR},
		{a.Floats != nil, onnxpb.AttributeProto_FLOATS}, {a.Ints != nil, onnxpb.AttributeProto_INTS}, {a.Strings != nil, onnxpb.AttributeProto_STRINGS},
		{a.Tensors != nil, onnxpb.AttributeProto_TENSORS}, {a.Graphs != nil, onnxpb.AttributeProto_GRAPHS},
		{a.SparseTensors != nil, onnxpb.AttributeProto_SPARSE_TENSORS},
	} {
		if f.there {
			held = append(held, f.t)
		}
	}
	return held
}

var errAbsent = errors.New("the value that its type promises is not there")

func only[P, V any](p *P, convert func(*P) (V, error)) (any, error) {
	if p == nil {
		return nil, errAbsent
	}
	return convert(p)
}

func given[T any](p *T) (T, error) { return *p, nil }

func each[P, V any](list []P, convert func(P) (V, error)) (any, error) {
	out := make([]V, len(list))
	for i, p := range list {
		var err error
		if out[i], err = convert(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *Model) tensor(p *onnxpb.TensorProto) (*tensor.Tensor, error) {
	t := m.tensors[p]
	return t.Tensor, t.err
}

func (m *Model) sparseTensor(p *onnxpb.SparseTensorProto) (*tensor.Tensor, error) {
	t := m.sparse[p]
	return t.Tensor, t.err
}

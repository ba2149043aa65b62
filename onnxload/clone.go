package onnxload

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// cloner copies messages down to their tensors, so that a copy can be changed; elements are shared.
type cloner struct {
	m *Model
	// what the copies hold
	tensors map[*onnxpb.TensorProto]loaded
	sparse  map[*onnxpb.SparseTensorProto]loaded
}

func (c cloner) model(p *onnxpb.ModelProto) *onnxpb.ModelProto {
	out := *p
	out.Graph = c.graph(p.Graph)
	out.MetadataProps = slices.Clone(p.MetadataProps)
	out.OpsetImport = slices.Clone(p.OpsetImport)
	out.TrainingInfo = copies(p.TrainingInfo, func(t *onnxpb.TrainingInfoProto) {
		t.Initialization, t.Algorithm = c.graph(t.Initialization), c.graph(t.Algorithm)
	})
	out.Functions = copies(p.Functions, func(f *onnxpb.FunctionProto) {
		f.Node, f.AttributeProto = c.nodes(f.Node), c.attributes(f.AttributeProto)
	})
	return &out
}

func (c cloner) graph(p *onnxpb.GraphProto) *onnxpb.GraphProto {
	if p == nil {
		return nil
	}
	out := *p
	out.Node = c.nodes(p.Node)
	out.Initializer = c.tensorList(p.Initializer)
	out.SparseInitializer = c.sparseList(p.SparseInitializer)
	out.Input = slices.Clone(p.Input)
	out.ValueInfo = slices.Clone(p.ValueInfo)
	return &out
}

func (c cloner) nodes(list []*onnxpb.NodeProto) []*onnxpb.NodeProto {
	return copies(list, func(n *onnxpb.NodeProto) {
		n.Input, n.Output = slices.Clone(n.Input), slices.Clone(n.Output)
		n.Attribute = c.attributes(n.Attribute)
	})
}

func (c cloner) attributes(list []*onnxpb.AttributeProto) []*onnxpb.AttributeProto {
	return copies(list, func(a *onnxpb.AttributeProto) {
		if a.T != nil {
			a.T = c.tensorList([]*onnxpb.TensorProto{a.T})[0]
		}
		if a.SparseTensor != nil {
			a.SparseTensor = c.sparseList([]*onnxpb.SparseTensorProto{a.SparseTensor})[0]
		}
		a.G = c.graph(a.G)
		a.Tensors, a.SparseTensors = c.tensorList(a.Tensors), c.sparseList(a.SparseTensors)
		a.Graphs = slices.Clone(a.Graphs)
		for i, g := range a.Graphs {
			a.Graphs[i] = c.graph(g)
		}
	})
}

func (c cloner) tensorList(list []*onnxpb.TensorProto) []*onnxpb.TensorProto {
	out := copies(list, func(*onnxpb.TensorProto) {})
	for i, t := range list {
		c.tensors[out[i]] = c.m.tensors[t]
	}
	return out
}

func (c cloner) sparseList(list []*onnxpb.SparseTensorProto) []*onnxpb.SparseTensorProto {
	out := copies(list, func(s *onnxpb.SparseTensorProto) {
		pair := c.tensorList([]*onnxpb.TensorProto{s.Values, s.Indices})
		s.Values, s.Indices = pair[0], pair[1]
	})
	for i, s := range list {
		c.sparse[out[i]] = c.m.sparse[s]
	}
	return out
}

// copies copies each message and lets change finish the copy; a nil list stays nil.
func copies[T any](list []*T, change func(*T)) []*T {
	if list == nil {
		return nil
	}
	out := make([]*T, len(list))
	for i, v := range list {
		c := *v
		change(&c)
		out[i] = &c
	}
	return out
}

package onnxload

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// walk visits the tensors of a model: of graphs, subgraphs and functions.
type walk struct {
	tensor func(*onnxpb.TensorProto) error
	sparse func(*onnxpb.SparseTensorProto) error
}

func (w walk) model(m *onnxpb.ModelProto) error {
	if err := w.graph(m.Graph); err != nil {
		return err
	}
	for _, t := range m.TrainingInfo {
		for _, g := range []*onnxpb.GraphProto{t.Initialization, t.Algorithm} {
			if g != nil {
				if err := w.graph(g); err != nil {
					return err
				}
			}
		}
	}
	for _, f := range m.Functions {
		if err := w.attributes(f.AttributeProto); err != nil {
			return err
		}
		if err := w.nodes(f.Node); err != nil {
			return err
		}
	}
	return nil
}

func (w walk) graph(g *onnxpb.GraphProto) error {
	for _, t := range g.Initializer {
		if err := w.tensor(t); err != nil {
			return err
		}
	}
	for _, t := range g.SparseInitializer {
		if err := w.sparse(t); err != nil {
			return err
		}
	}
	return w.nodes(g.Node)
}

func (w walk) nodes(list []*onnxpb.NodeProto) error {
	for _, n := range list {
		if err := w.attributes(n.Attribute); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.GetName(), n.GetOpType(), err)
		}
	}
	return nil
}

func (w walk) attributes(list []*onnxpb.AttributeProto) error {
	for _, a := range list {
		if err := w.attribute(a); err != nil {
			return fmt.Errorf("attribute %q: %w", a.GetName(), err)
		}
	}
	return nil
}

func (w walk) attribute(a *onnxpb.AttributeProto) error {
	for _, t := range attributeTensors(a) {
		if err := w.tensor(t); err != nil {
			return err
		}
	}
	for _, t := range attributeSparse(a) {
		if err := w.sparse(t); err != nil {
			return err
		}
	}
	for _, g := range attributeGraphs(a) {
		if err := w.graph(g); err != nil {
			return err
		}
	}
	return nil
}

func attributeTensors(a *onnxpb.AttributeProto) []*onnxpb.TensorProto {
	return single(a.T, a.Tensors)
}

func attributeSparse(a *onnxpb.AttributeProto) []*onnxpb.SparseTensorProto {
	return single(a.SparseTensor, a.SparseTensors)
}

func attributeGraphs(a *onnxpb.AttributeProto) []*onnxpb.GraphProto {
	return single(a.G, a.Graphs)
}

func single[T any](one *T, more []*T) []*T {
	if one == nil {
		return more
	}
	return append([]*T{one}, more...)
}

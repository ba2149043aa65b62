package op

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// EvalNode runs a resolved and inferred node on its reference implementation.
func EvalNode(n *graph.Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	def, err := Of(n)
	if err != nil {
		return nil, err
	}
	out := make([]*tensor.Tensor, len(n.Out))
	for i, v := range n.Out {
		if v != nil {
			out[i] = tensor.New(v.Type.DType, v.Type.Shape...)
		}
	}
	if Empty(n) {
		return out, nil
	}
	return out, graph.At(n, def.Eval(n, in, out))
}

// Empty reports a node whose outputs have no elements, so that there is nothing to compute; other dimensions of them may be
// too large to count through.
func Empty(n *graph.Node) bool {
	for _, v := range n.Out {
		if v != nil && v.Type.Shape.Elems() > 0 {
			return false
		}
	}
	return true
}

// IsView reports whether a node only gives its first input another type, so that they can share memory.
func IsView(n *graph.Node) bool {
	def, err := Of(n)
	if err != nil || !def.View || len(n.In) == 0 || n.In[0] == nil || len(n.Out) == 0 || n.Out[0] == nil {
		return false
	}
	for _, v := range n.Out[1:] {
		if v != nil {
			return false
		}
	}
	in, out := n.In[0].Type, n.Out[0].Type
	return in.DType == out.DType && in.Shape.Elems() == out.Shape.Elems()
}

// Evaluate runs the whole graph on the reference implementations and returns the tensor of every value by ID. feed
// gives the inputs, and other values for parameters and states than their initial ones. Updates are not applied.
func Evaluate(g *graph.Graph, feed map[*graph.Value]*tensor.Tensor) ([]*tensor.Tensor, error) {
	values := make([]*tensor.Tensor, len(g.Values))
	for _, v := range g.Values {
		values[v.ID] = v.Init
		if t := feed[v]; t != nil {
			values[v.ID] = t
		}
		if v.Kind == graph.Input && values[v.ID] == nil {
			return nil, fmt.Errorf("input %q is not fed", v.Name)
		}
	}
	for _, n := range g.Nodes {
		in := make([]*tensor.Tensor, len(n.In))
		for i, v := range n.In {
			if v != nil {
				in[i] = values[v.ID]
			}
		}
		out, err := EvalNode(n, in)
		if err != nil {
			return nil, err
		}
		for i, v := range n.Out {
			if v != nil {
				values[v.ID] = out[i]
			}
		}
	}
	return values, nil
}

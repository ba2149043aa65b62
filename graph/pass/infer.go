package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// infer types every value and folds constants on the way, as shapes are often computed by the graph itself.
func infer(b *Built, _ *Options) error {
	for _, n := range b.Graph.Nodes {
		for _, v := range n.Out {
			if v != nil {
				v.Type, v.Symbols = graph.Type{}, nil
			}
		}
	}
	return fold(b.Graph)
}

// fold infers every node and replaces those with constant inputs by what they compute.
func fold(g *graph.Graph) error {
	var failed error
	g.RemoveNodes(func(n *graph.Node) bool {
		if failed != nil {
			return false
		}
		var folded bool
		folded, failed = foldNode(n)
		return folded
	})
	return failed
}

func foldNode(n *graph.Node) (folded bool, err error) {
	def, err := op.Of(n)
	if err != nil {
		return false, err
	}
	for i, v := range n.In {
		if v != nil && !v.Type.Static() {
			return false, graph.Errorf(n, "input %d, %q, has no static type (%v)", i, v.Name, v.Type)
		}
	}
	if err := def.Infer(n); err != nil {
		return false, graph.At(n, fmt.Errorf("%w (inputs %s)", err, inputTypes(n)))
	}
	if def.Random {
		return false, nil
	}
	in := make([]*tensor.Tensor, len(n.In))
	for i, v := range n.In {
		switch {
		case v == nil:
		case v.Kind == graph.Const:
			in[i] = v.Init
		case readsTypeOnly(n):
			in[i] = &tensor.Tensor{DType: v.Type.DType, Shape: v.Type.Shape}
		default:
			return false, nil
		}
	}
	out, err := op.EvalNode(n, in)
	if err != nil {
		return false, err
	}
	for i, v := range n.Out {
		if v != nil {
			v.Kind, v.Producer, v.Init = graph.Const, nil, out[i]
		}
	}
	return true, nil
}

// readsTypeOnly reports operators whose result does not depend on their input's elements.
func readsTypeOnly(n *graph.Node) bool {
	return n.Op.Domain == "" && (n.Op.Type == "Shape" || n.Op.Type == "Size")
}

func inputTypes(n *graph.Node) string {
	s := ""
	for i, v := range n.In {
		if i > 0 {
			s += ", "
		}
		if v == nil {
			s += "absent"
		} else {
			s += fmt.Sprintf("%s %v", v.Name, v.Type)
		}
	}
	return s
}

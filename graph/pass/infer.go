package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// infer types every value and folds constants on the way, as shapes are often computed by the graph itself. Nodes with
// subgraphs are expanded; see expander.
func infer(b *Built, o *Options) error {
	for _, n := range b.Graph.Nodes {
		for _, v := range n.Out {
			if v != nil {
				v.Type, v.Symbols = graph.Type{}, nil
			}
		}
	}
	return expand(b.Graph, o.Training)
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
	if err := inputsKnown(n); err != nil {
		return false, err
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
	for _, v := range n.Out {
		if v != nil && v.Type.Shape.Elems() > mostFolded {
			return false, graph.Errorf(n, "output %q of type %v is computed from constants and too large to be one", v.Name, v.Type)
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

// mostFolded bounds the elements of a constant that passes compute: a damaged shape must not take all memory. The largest
// weight of VGG-19, which some files fill by ConstantOfShape, has 103 million.
const mostFolded = 1 << 27

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

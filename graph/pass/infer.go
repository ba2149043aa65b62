package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
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
	return expand(b.Graph, b.folding(), o.Training)
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

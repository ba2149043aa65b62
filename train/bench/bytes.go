package bench

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Bytes counts what a node has to read and write: inputs and outputs, each once, and of an input from which it takes elements as
// many as it takes. The node must be inferred.
func Bytes(n *graph.Node) float64 {
	total := 0.0
	for _, v := range n.Out {
		total += size(v)
	}
	written := total
	for i, v := range n.In {
		switch {
		case slices.Contains(n.In[:i], v):
		case i == 0 && slices.Contains(takers, n.Op.Type):
			total += min(size(v), written)
		default:
			total += size(v)
		}
	}
	return total
}

// takers are operators that need not read all of their first input.
var takers = []string{"Gather", "GatherElements", "GatherND", "Slice"}

func size(v *graph.Value) float64 {
	if v == nil {
		return 0
	}
	return elems(v) * float64(v.Type.DType.Size())
}

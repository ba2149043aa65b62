package ops

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	randomOp("RandomUniform", func(n *graph.Node, d draw, i int) float64 {
		low, high := n.Attrs.Float("low", 0), n.Attrs.Float("high", 1)
		return low + (high-low)*d.uniform(i)
	}, graph.MakeAttrs("low", -1.0, "high", 3.0))
}

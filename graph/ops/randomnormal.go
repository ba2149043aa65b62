package ops

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	randomOp("RandomNormal", func(n *graph.Node, d draw, i int) float64 {
		return n.Attrs.Float("mean", 0) + n.Attrs.Float("scale", 1)*d.normal(i)
	}, graph.MakeAttrs("mean", 3.0, "scale", 0.5))
}

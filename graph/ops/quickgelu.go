package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// QuickGelu of com.microsoft is x sigmoid(alpha x), a Swish.
func init() {
	alpha := func(a graph.Attrs) float64 { return a.Float("alpha", 1.702) }
	pointwise{
		domain: microsoft, types: floats, lo: -4, hi: 4,
		of: func(a graph.Attrs) func(float64) float64 {
			f, _ := swish(alpha(a))
			return f
		},
		grad: func(b *op.Backward) *graph.Value {
			return b.Internal("SwishGrad", graph.MakeAttrs("alpha", alpha(b.Node.Attrs)), b.Grad(0), b.In(0))
		},
		samples: func() []op.Sample {
			return []op.Sample{with(op.Sample{Name: "alpha", In: one(op.Uniform(3, -4, 4, 3, 5))}, "alpha", 1.0)}
		},
	}.register("QuickGelu", 1)
}

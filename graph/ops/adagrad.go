package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

func init() {
	attrs := graph.MakeAttrs("decay_factor", 0.5, "norm_coefficient", 0.5, "epsilon", 1.0)
	optimizerOp("Adagrad", 1, attrs, func(n *graph.Node) (optimizerStep, error) {
		decay, norm := n.Attrs.Float("decay_factor", 0), n.Attrs.Float("norm_coefficient", 0)
		epsilon := n.Attrs.Float("epsilon", float64(float32(1e-6)))
		return func(rate float64, count int64) func(x, g float64, slots []float64) float64 {
			rate /= 1 + float64(count)*decay
			return func(x, g float64, slots []float64) float64 {
				g += norm * x
				slots[0] += g * g
				return x - rate*g/(math.Sqrt(slots[0])+epsilon)
			}
		}, nil
		// A rate of 6/(1+2/2), a gradient of 1+4/2 and a sum of squares of 7+9.
	}, stepSample("values", attrs, 6, 2, []float32{4, 1, 7}, []float32{4 - 3*3./5, 16}))
}

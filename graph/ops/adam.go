package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

func init() {
	attrs := graph.MakeAttrs("alpha", 0.5, "beta", 0.75, "norm_coefficient", 0.5, "norm_coefficient_post", 0.25, "epsilon", 1.0)
	optimizerOp("Adam", 2, attrs, func(n *graph.Node) (optimizerStep, error) {
		alpha, beta := n.Attrs.Float("alpha", float64(float32(0.9))), n.Attrs.Float("beta", float64(float32(0.999)))
		norm, post := n.Attrs.Float("norm_coefficient", 0), n.Attrs.Float("norm_coefficient_post", 0)
		epsilon := n.Attrs.Float("epsilon", float64(float32(1e-6)))
		return func(rate float64, count int64) func(x, g float64, slots []float64) float64 {
			if count > 0 {
				t := float64(count)
				rate *= math.Sqrt(1-math.Pow(beta, t)) / (1 - math.Pow(alpha, t))
			}
			return func(x, g float64, slots []float64) float64 {
				g += norm * x
				slots[0] = alpha*slots[0] + (1-alpha)*g
				slots[1] = beta*slots[1] + (1-beta)*g*g
				return (1 - post) * (x - rate*slots[0]/(math.Sqrt(slots[1])+epsilon))
			}
		}, nil
		// A gradient of 2+4/2; moments (2+4)/2 and (3*0+16)/4; in the first update the rate is as it is given, in the
		// next one it is 8 sqrt(1/4)/(1/2).
	}, stepSample("first", attrs, 2, 0, []float32{4, 2, 2, 0}, []float32{0.75 * (4 - 2*3./3), 3, 4}),
		stepSample("second", attrs, 8, 1, []float32{4, 2, 2, 0}, []float32{0.75 * (4 - 8*3./3), 3, 4}))
}

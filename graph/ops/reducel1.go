package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

// The gradient at 0 is 0.
func init() {
	reduction{
		typ: "ReduceL1", axes: 18, since: []int{1, 11, 13, 18},
		float: func(x []float64) float64 {
			sum := 0.0
			for _, v := range x {
				sum += math.Abs(v)
			}
			return sum
		},
		int: func(x []int64) int64 {
			sum := int64(0)
			for _, v := range x {
				sum += max(v, -v)
			}
			return sum
		},
		want: [2]float32{6, 15},
		grad: func(g *reductionGrad) *graph.Value { return g.Op("Mul", g.Op("Sign", g.x), g.dy) },
	}.register()
}

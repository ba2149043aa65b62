package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	reduction{
		typ: "ReduceLogSumExp", axes: 18, since: []int{1, 11, 13, 18, 28},
		float: logSumExp, want: [2]float32{3.4076059, 6.407606},
		grad: func(g *reductionGrad) *graph.Value {
			if g.Err != nil {
				return nil
			}
			// The result for nothing but -inf is -inf, which a finite number replaces: -inf - -inf would be NaN.
			y := g.Op("Max", g.y(), g.Scalar(g.x, -math.MaxFloat32))
			return g.Op("Mul", g.Op("Exp", g.Op("Sub", g.x, y)), g.dy)
		},
		more: func(int) []op.Sample {
			inf := float32(math.Inf(-1))
			return []op.Sample{
				{Name: "large numbers", NoGrad: true,
					In: one(floats32([]int{1, 2}, 1000, 1000)), Want: one(floats32([]int{1, 1}, 1000.6931))},
				{Name: "masked", NoGrad: true,
					In: one(floats32([]int{2, 2}, inf, inf, 1, inf)), Want: one(floats32([]int{2, 1}, inf, 1))},
			}
		},
	}.register()
}

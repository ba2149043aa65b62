package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// The gradient of a norm of 0 is 0.
func init() {
	reduction{
		typ: "ReduceL2", axes: 18, since: []int{1, 11, 13, 18},
		float: func(x []float64) float64 { return math.Sqrt(sumSquare(x)) },
		want:  [2]float32{3.7416575, 8.774964},
		grad: func(g *reductionGrad) *graph.Value {
			return g.Op("Mul", g.x, g.Op("Div", g.dy, nonzero(g.Backward, g.y())))
		},
	}.register()
}

// nonzero is v with 1 for 0, so that quotients 0/v are 0.
func nonzero(b *op.Backward, v *graph.Value) *graph.Value {
	if b.Err != nil {
		return nil
	}
	return b.Op("Add", v, as(b, b.Op("Equal", v, b.Scalar(v, 0)), v))
}

func sumSquare[T int64 | float64](x []T) T {
	var sum T
	for _, v := range x {
		sum += v * v
	}
	return sum
}

package ops

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	reduction{
		typ: "ReduceSumSquare", axes: 18, since: []int{1, 11, 13, 18},
		float: sumSquare[float64], int: sumSquare[int64], want: [2]float32{14, 77},
		grad: func(g *reductionGrad) *graph.Value { return g.Op("Mul", g.x, times(g.Backward, g.dy, 2)) },
	}.register()
}

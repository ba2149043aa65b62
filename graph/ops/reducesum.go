package ops

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	reduction{
		typ: "ReduceSum", axes: 13, since: []int{1, 11, 13},
		float: total[float64], int: total[int64], want: [2]float32{6, 15},
		grad: func(g *reductionGrad) *graph.Value { return g.dy },
	}.register()
}

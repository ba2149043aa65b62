package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

func init() {
	reduction{
		typ: "ReduceLogSum", axes: 18, since: []int{1, 11, 13, 18, 28},
		float: func(x []float64) float64 { return math.Log(total(x)) },
		want:  [2]float32{1.7917595, 2.7080503},
		grad:  func(g *reductionGrad) *graph.Value { return g.Op("Div", g.dy, g.sum(g.x)) },
	}.register()
}

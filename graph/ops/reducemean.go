package ops

import "github.com/onnxtrain/onnxtrain/graph"

// The mean of nothing is NaN; that of integers is rounded towards zero.
func init() {
	reduction{
		typ: "ReduceMean", axes: 18, since: []int{1, 11, 13, 18},
		float: func(x []float64) float64 { return total(x) / float64(len(x)) },
		want:  [2]float32{2, 5},
		grad: func(g *reductionGrad) *graph.Value {
			// An empty tensor has an empty gradient, of whatever factor.
			share := float64(g.kept.Elems()) / float64(max(g.x.Type.Shape.Elems(), 1))
			return times(g.Backward, g.dy, share)
		},
	}.register()
}

package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	reduction{
		typ: "ReduceMin", axes: 18, since: []int{1, 11, 12, 13, 18, 20},
		float: func(x []float64) float64 {
			least := math.Inf(1)
			for _, v := range x {
				least = min(least, v)
			}
			return least
		},
		int: func(x []int64) int64 {
			least := int64(math.MaxInt64)
			for _, v := range x {
				least = min(least, v)
			}
			return least
		},
		ordered: true, want: [2]float32{1, 4},
		grad: gradTies,
		more: func(since int) []op.Sample { return extremeSamples(since, 1, 1) },
	}.register()
}

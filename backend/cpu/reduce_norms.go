package cpu

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// Reductions of functions of the elements, and functions of sums. The reductions that few models have go through rows one
// element at a time.
var (
	minReducer = reducer{
		row:  func(x []float32) float64 { return float64(slices.Min(x)) },
		join: func(a, b float64) float64 { return min(a, b) },
		rows: func(acc, x []float32) { linalg.Minimum(acc, acc, x) },
	}
	prodReducer = reducer{
		row: func(x []float32) float64 {
			product := 1.0
			for _, v := range x {
				product *= float64(v)
			}
			return product
		},
		join: func(a, b float64) float64 { return a * b },
		rows: func(acc, x []float32) { mulVV(acc, acc, x) },
	}
	squareReducer = reducer{
		row:   linalg.SumSquares,
		join:  sumReducer.join,
		first: func(acc, x []float32) { mulVV(acc, x, x) },
		rows:  func(acc, x []float32) { linalg.MulAdd(acc, x, x) },
		joins: sumReducer.rows,
	}
	magnitudeReducer = reducer{
		row: func(x []float32) float64 {
			sum := 0.0
			for _, v := range x {
				sum += math.Abs(float64(v))
			}
			return sum
		},
		join:  sumReducer.join,
		first: linalg.Abs,
		rows: func(acc, x []float32) {
			for i, v := range x[:len(acc)] {
				acc[i] += float32(math.Abs(float64(v)))
			}
		},
		joins: sumReducer.rows,
	}
)

func (r reducer) then(last func(v float64) float64, lasts func(y, acc []float32)) reducer {
	r.last, r.lasts = last, lasts
	return r
}

func init() {
	tol := Tol{Abs: 2e-5, Rel: 2e-5}
	registerReduction("reduce_min", onnx("ReduceMin"), minReducer, Tol{}, reducedShape)
	registerReduction("reduce_prod", onnx("ReduceProd"), prodReducer, Tol{Abs: 1e-5, Rel: 1e-4}, reducedShape)
	registerReduction("reduce_l1", onnx("ReduceL1"), magnitudeReducer, tol, reducedShape)
	registerReduction("reduce_l2", onnx("ReduceL2"), squareReducer.then(math.Sqrt, linalg.Sqrt), tol, reducedShape)
	registerReduction("reduce_sum_square", onnx("ReduceSumSquare"), squareReducer, tol, reducedShape)
	registerReduction("reduce_log_sum", onnx("ReduceLogSum"), sumReducer.then(math.Log, linalg.Log), tol, reducedShape)
}

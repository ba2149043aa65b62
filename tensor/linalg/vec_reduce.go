package linalg

import "math"

// Reductions sum up lanes that only the instruction set fixes, and blocks of lanes in order.

var (
	vecSum            = reducer{sumGeneric}
	vecMax            = reducer{maxGeneric}
	vecDot            = variants[func(x, y []float32) float32]{dotGeneric}
	vecDotDiff        = variants[func(x, y []float32, m float32) float32]{dotDiffGeneric}
	vecSumSquaredDiff = variants[func(x []float32, m float32) float32]{sumSquaredDiffGeneric}
	vecSumSquares     = variants[func(x []float32) float64]{sumSquaresGeneric}
)

// Sum is the sum of x.
func Sum(x []float32) float32 {
	f := vecSum.now()
	if len(x) <= block {
		return f(x)
	}
	return float32(blocks(len(x), func(lo, hi int) float64 { return float64(f(x[lo:hi])) }))
}

// Dot is the sum of x*y.
func Dot(x, y []float32) float32 {
	f, y := vecDot.now(), y[:len(x)]
	if len(x) <= block {
		return f(x, y)
	}
	return float32(blocks(len(x), func(lo, hi int) float64 { return float64(f(x[lo:hi], y[lo:hi])) }))
}

// DotDiff is the sum of x*(y - m).
func DotDiff(x, y []float32, m float32) float32 {
	f, y := vecDotDiff.now(), y[:len(x)]
	if len(x) <= block {
		return f(x, y, m)
	}
	return float32(blocks(len(x), func(lo, hi int) float64 { return float64(f(x[lo:hi], y[lo:hi], m)) }))
}

// SumSquaredDiff is the sum of (x - m)².
func SumSquaredDiff(x []float32, m float32) float32 {
	f := vecSumSquaredDiff.now()
	if len(x) <= block {
		return f(x, m)
	}
	return float32(blocks(len(x), func(lo, hi int) float64 { return float64(f(x[lo:hi], m)) }))
}

// SumSquares is the sum of squares of x, added up in float64, so that it neither overflows nor loses small gradients
// beside large ones.
func SumSquares(x []float32) float64 {
	f := vecSumSquares.now()
	return blocks(len(x), func(lo, hi int) float64 { return f(x[lo:hi]) })
}

// Max is the largest element of x, NaN when one is, -Inf for none.
func Max(x []float32) float32 {
	f, top := vecMax.now(), float32(math.Inf(-1))
	for ; len(x) > block; x = x[block:] {
		top = max(top, f(x[:block]))
	}
	return max(top, f(x))
}

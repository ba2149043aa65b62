package linalg

import "math"

func expGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i])))
	}
}

func expShiftSumGeneric(dst, x []float32, shift float32) float32 {
	for i := range dst {
		dst[i] = float32(math.Exp(float64(x[i] - shift)))
	}
	return sumGeneric(dst)
}

func logGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Log(float64(x[i])))
	}
}

func tanhGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Tanh(float64(x[i])))
	}
}

// logistic keeps its digits where it is nearly 0.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func sigmoidGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(logistic(float64(x[i])))
	}
}

func erfGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Erf(float64(x[i])))
	}
}

// normal is the standard normal distribution and its density.
func normal(x float64) (below, density float64) {
	return math.Erfc(-x/math.Sqrt2) / 2, math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
}

func geluGeneric(dst, x []float32) {
	for i := range dst {
		v := max(float64(x[i]), -50) // the result is 0 below, and infinity times 0 NaN
		below, _ := normal(v)
		dst[i] = float32(v * below)
	}
}

func geluGradGeneric(dst, dy, x []float32) {
	for i := range dst {
		v := min(max(float64(x[i]), -50), 50) // the gradient is 0 or 1 outside
		below, density := normal(v)
		dst[i] = float32(float64(dy[i]) * (below + v*density))
	}
}

const (
	geluSlope = 2 * 0.797884560802865355879892119868763737 // 2√(2/π)
	geluCubic = 0.044715 * geluSlope
)

func geluTanhGeneric(dst, x []float32) {
	for i := range dst {
		v := max(float64(x[i]), -50)
		dst[i] = float32(v * logistic(v*(geluSlope+geluCubic*v*v)))
	}
}

func geluTanhGradGeneric(dst, dy, x []float32) {
	for i := range dst {
		v := min(max(float64(x[i]), -50), 50)
		s := logistic(v * (geluSlope + geluCubic*v*v))
		dst[i] = float32(float64(dy[i]) * (s + v*s*(1-s)*(geluSlope+3*geluCubic*v*v)))
	}
}

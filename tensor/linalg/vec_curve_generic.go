package linalg

import "math"

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func softplusGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(softplus(float64(x[i])))
	}
}

func softsignGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = x[i] / (1 + abs32(x[i]))
	}
}

func softsignGradGeneric(dst, dy, x []float32) {
	for i := range dst {
		u := 1 + abs32(x[i])
		dst[i] = dy[i] / float32(u*u)
	}
}

func abs32(x float32) float32 { return float32(math.Abs(float64(x))) }

func hardSwishGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = x[i] * min(max(float32(x[i]*(1.0/6))+0.5, 0), 1)
	}
}

func hardSwishGradGeneric(dst, dy, x []float32) {
	for i := range dst {
		slope := float32(x[i]*(1.0/3)) + 0.5
		switch {
		case x[i] < -3:
			slope = 0
		case x[i] > 3:
			slope = 1
		}
		dst[i] = dy[i] * slope
	}
}

// mishOf is x*tanh(softplus(x)) and its derivative.
func mishOf(x float64) (y, slope float64) {
	t := math.Tanh(softplus(x))
	return x * t, t + x*(1-t*t)*logistic(x)
}

func mishGeneric(dst, x []float32) {
	for i := range dst {
		y, _ := mishOf(float64(x[i]))
		dst[i] = float32(y)
	}
}

func mishGradGeneric(dst, dy, x []float32) {
	for i := range dst {
		_, slope := mishOf(min(max(float64(x[i]), -100), 100)) // it is 0 or 1 outside
		dst[i] = float32(float64(dy[i]) * slope)
	}
}

func signGeneric(dst, x []float32) {
	for i, v := range x[:len(dst)] {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = -1
		}
		dst[i] = v
	}
}

func preluGeneric(dst, x, slope []float32) {
	for i, v := range x[:len(dst)] {
		if !(v > 0) {
			v *= slope[i]
		}
		dst[i] = v
	}
}

func leakyReluGeneric(dst, x []float32, a float32) {
	for i, v := range x[:len(dst)] {
		if !(v > 0) {
			v *= a
		}
		dst[i] = v
	}
}

func leakyReluGradGeneric(dst, dy, x []float32, a float32) {
	for i, v := range dy[:len(dst)] {
		if !(x[i] > 0) {
			v *= a
		}
		dst[i] = v
	}
}

func thresholdedReluGeneric(dst, x []float32, a float32) {
	thresholdedReluGradGeneric(dst, x, x, a)
}

func thresholdedReluGradGeneric(dst, dy, x []float32, a float32) {
	for i, v := range dy[:len(dst)] {
		if x[i] <= a {
			v = 0
		}
		dst[i] = v
	}
}

func swishGeneric(dst, x []float32, a float32) {
	for i := range dst {
		v := float64(x[i])
		dst[i] = float32(v * logistic(float64(a)*v))
	}
}

func swishGradGeneric(dst, dy, x []float32, a float32) {
	for i := range dst {
		u := min(max(float64(a)*float64(x[i]), -100), 100) // the slope is 0 or 1 outside
		s := logistic(u)
		dst[i] = float32(float64(dy[i]) * (s + u*s*logistic(-u)))
	}
}

func hardSigmoidGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = min(max(float32(x[i]*a)+b, 0), 1)
	}
}

func hardSigmoidGradGeneric(dst, dy, x []float32, a, b float32) {
	for i := range dst {
		v := float32(0)
		if y := float32(x[i]*a) + b; y > 0 && y < 1 {
			v = dy[i] * a
		}
		dst[i] = v
	}
}

func shrinkGeneric(dst, x []float32, a, b, c float32) {
	for i, v := range x[:len(dst)] {
		switch {
		case v < c:
			v += a
		case v > b:
			v -= a
		default:
			v = 0
		}
		dst[i] = v
	}
}

func shrinkGradGeneric(dst, dy, x []float32, _, b, c float32) {
	for i, v := range dy[:len(dst)] {
		if !(x[i] < c || x[i] > b) {
			v = 0
		}
		dst[i] = v
	}
}

func eluGeneric(dst, x []float32, a, b, c float32) {
	for i, v := range x[:len(dst)] {
		if v > 0 {
			dst[i] = v * c
		} else {
			dst[i] = float32(float64(a) * math.Expm1(float64(b)*float64(v)))
		}
	}
}

func eluGradGeneric(dst, dy, x []float32, a, b, c float32) {
	for i, v := range x[:len(dst)] {
		if v > 0 {
			dst[i] = dy[i] * c
		} else {
			dst[i] = float32(float64(dy[i]) * float64(a) * math.Exp(float64(b)*float64(v)))
		}
	}
}

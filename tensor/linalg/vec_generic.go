package linalg

import "math"

func addGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

func subGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] - y[i]
	}
}

func mulGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] * y[i]
	}
}

func divGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] / y[i]
	}
}

func maximumGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = max(x[i], y[i])
	}
}

func minimumGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] = min(x[i], y[i])
	}
}

func mulAddGeneric(dst, x, y []float32) {
	for i := range dst {
		dst[i] += float32(x[i] * y[i])
	}
}

func reluGradGeneric(dst, dy, y []float32) {
	for i := range dst {
		v := float32(0)
		if y[i] > 0 {
			v = dy[i]
		}
		dst[i] = v
	}
}

func clampGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = min(max(x[i], a), b)
	}
}

func clampGradGeneric(dst, dy, x []float32, a, b float32) {
	for i := range dst {
		v := float32(0)
		if x[i] >= a && x[i] <= b {
			v = dy[i]
		}
		dst[i] = v
	}
}

func sigmoidGradGeneric(dst, dy, y []float32) {
	for i := range dst {
		dst[i] = dy[i] * (y[i] * (1 - y[i]))
	}
}

func tanhGradGeneric(dst, dy, y []float32) {
	for i := range dst {
		dst[i] = dy[i] * (1 - float32(y[i]*y[i]))
	}
}

func addScalarGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = x[i] + a
	}
}

func scaleGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = x[i] * a
	}
}

func divScalarGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = x[i] / a
	}
}

func scalarSubGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = a - x[i]
	}
}

func scalarDivGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = a / x[i]
	}
}

func maxScalarGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = max(x[i], a)
	}
}

func minScalarGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] = min(x[i], a)
	}
}

func axpyGeneric(dst, x []float32, a float32) {
	for i := range dst {
		dst[i] += float32(a * x[i])
	}
}

func reluGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = max(x[i], 0)
	}
}

func absGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Abs(float64(x[i])))
	}
}

func sqrtGeneric(dst, x []float32) {
	for i := range dst {
		dst[i] = float32(math.Sqrt(float64(x[i])))
	}
}

func scaleShiftGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = float32(x[i]*a) + b
	}
}

func shiftScaleGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = (x[i] + a) * b
	}
}

func shiftMulGeneric(dst, x, y []float32, a float32) {
	for i := range dst {
		dst[i] = (x[i] + a) * y[i]
	}
}

func affine2Generic(dst, x, y []float32, a, b, c float32) {
	for i := range dst {
		dst[i] = float32(a*x[i]) + (float32(b*y[i]) + c)
	}
}

func normalizeGeneric(dst, x, y, z []float32, a, b float32) {
	for i := range dst {
		dst[i] = float32((x[i]+a)*b*y[i]) + z[i]
	}
}

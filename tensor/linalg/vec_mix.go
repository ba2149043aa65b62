package linalg

// The functions of this file round products before they add them, unlike Affine2, Axpy and ScaleShift: they give, in one
// pass, the bits that Scale and Add give in several.

var (
	vecMix       = variants[func(dst, x, y []float32, a, b float32)]{mixGeneric}
	vecMixSquare = variants[func(dst, x, y []float32, a, b float32)]{mixSquareGeneric}
	vecAddScaled = variants[func(dst, x, y []float32, b float32)]{addScaledGeneric}
	vecScaleAdd  = variants[func(dst, x []float32, a, b float32)]{scaleAddGeneric}
)

// Mix sets dst = a*x + b*y.
func Mix(dst []float32, a float32, x []float32, b float32, y []float32) {
	runMix(&vecMix, dst, a, x, b, y)
}

// MixSquare sets dst = a*x + b*(y*y), element by element.
func MixSquare(dst []float32, a float32, x []float32, b float32, y []float32) {
	runMix(&vecMixSquare, dst, a, x, b, y)
}

func runMix(v *variants[func(dst, x, y []float32, a, b float32)], dst []float32, a float32, x []float32, b float32, y []float32) {
	f, x, y := v.now(), x[:len(dst)], y[:len(dst)]
	for ; len(dst) > block; dst, x, y = dst[block:], x[block:], y[block:] {
		f(dst[:block], x[:block], y[:block], a, b)
	}
	f(dst, x, y, a, b)
}

// AddScaled sets dst = x + b*y.
func AddScaled(dst, x []float32, b float32, y []float32) {
	f, x, y := vecAddScaled.now(), x[:len(dst)], y[:len(dst)]
	for ; len(dst) > block; dst, x, y = dst[block:], x[block:], y[block:] {
		f(dst[:block], x[:block], y[:block], b)
	}
	f(dst, x, y, b)
}

// ScaleAdd sets dst = a*x + b.
func ScaleAdd(dst, x []float32, a, b float32) {
	f, x := vecScaleAdd.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b)
	}
	f(dst, x, a, b)
}

// A conversion keeps compilers from fusing a product with the sum that it goes into.

func mixGeneric(dst, x, y []float32, a, b float32) {
	for i := range dst {
		dst[i] = float32(x[i]*a) + float32(y[i]*b)
	}
}

func mixSquareGeneric(dst, x, y []float32, a, b float32) {
	for i := range dst {
		dst[i] = float32(x[i]*a) + float32(float32(y[i]*y[i])*b)
	}
}

func addScaledGeneric(dst, x, y []float32, b float32) {
	for i := range dst {
		dst[i] = x[i] + float32(y[i]*b)
	}
}

func scaleAddGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = float32(x[i]*a) + b
	}
}

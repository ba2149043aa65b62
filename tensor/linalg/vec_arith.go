package linalg

var (
	vecAdd         = map2{addGeneric}
	vecSub         = map2{subGeneric}
	vecMul         = map2{mulGeneric}
	vecDiv         = map2{divGeneric}
	vecMaximum     = map2{maximumGeneric}
	vecMinimum     = map2{minimumGeneric}
	vecMulAdd      = map2{mulAddGeneric}
	vecReluGrad    = map2{reluGradGeneric}
	vecAddScalar   = mapA{addScalarGeneric}
	vecScale       = mapA{scaleGeneric}
	vecDivScalar   = mapA{divScalarGeneric}
	vecScalarSub   = mapA{scalarSubGeneric}
	vecScalarDiv   = mapA{scalarDivGeneric}
	vecMaxScalar   = mapA{maxScalarGeneric}
	vecMinScalar   = mapA{minScalarGeneric}
	vecAxpy        = mapA{axpyGeneric}
	vecSigmoidGrad = map2{sigmoidGradGeneric}
	vecTanhGrad    = map2{tanhGradGeneric}
	vecRelu        = map1{reluGeneric}
	vecAbs         = map1{absGeneric}
	vecSqrt        = map1{sqrtGeneric}

	vecScaleShift = variants[func(dst, x []float32, a, b float32)]{scaleShiftGeneric}
	vecShiftScale = variants[func(dst, x []float32, a, b float32)]{shiftScaleGeneric}
	vecClamp      = variants[func(dst, x []float32, a, b float32)]{clampGeneric}
	vecClampGrad  = variants[func(dst, x, y []float32, a, b float32)]{clampGradGeneric}
	vecShiftMul   = variants[func(dst, x, y []float32, a float32)]{shiftMulGeneric}
	vecAffine2    = variants[func(dst, x, y []float32, a, b, c float32)]{affine2Generic}
	vecNormalize  = variants[func(dst, x, y, z []float32, a, b float32)]{normalizeGeneric}
)

// Add sets dst = x + y.
func Add(dst, x, y []float32) { run2(&vecAdd, dst, x, y) }

// Sub sets dst = x - y.
func Sub(dst, x, y []float32) { run2(&vecSub, dst, x, y) }

// Mul sets dst = x*y, element by element.
func Mul(dst, x, y []float32) { run2(&vecMul, dst, x, y) }

// Div sets dst = x/y, element by element.
func Div(dst, x, y []float32) { run2(&vecDiv, dst, x, y) }

// Maximum sets dst to the larger of x and y, NaN where either is.
func Maximum(dst, x, y []float32) { run2(&vecMaximum, dst, x, y) }

// Minimum sets dst to the smaller of x and y, NaN where either is.
func Minimum(dst, x, y []float32) { run2(&vecMinimum, dst, x, y) }

// AddScalar sets dst = x + a.
func AddScalar(dst, x []float32, a float32) { runA(&vecAddScalar, dst, x, a) }

// Scale sets dst = x*a.
func Scale(dst, x []float32, a float32) { runA(&vecScale, dst, x, a) }

// DivScalar sets dst = x/a.
func DivScalar(dst, x []float32, a float32) { runA(&vecDivScalar, dst, x, a) }

// ScalarSub sets dst = a - x.
func ScalarSub(dst []float32, a float32, x []float32) { runA(&vecScalarSub, dst, x, a) }

// ScalarDiv sets dst = a/x.
func ScalarDiv(dst []float32, a float32, x []float32) { runA(&vecScalarDiv, dst, x, a) }

// MaxScalar sets dst to the larger of x and a, NaN where either is.
func MaxScalar(dst, x []float32, a float32) { runA(&vecMaxScalar, dst, x, a) }

// MinScalar sets dst to the smaller of x and a, NaN where either is.
func MinScalar(dst, x []float32, a float32) { runA(&vecMinScalar, dst, x, a) }

// Axpy sets dst = dst + a*x.
func Axpy(dst []float32, a float32, x []float32) { runA(&vecAxpy, dst, x, a) }

// MulAdd sets dst = dst + x*y.
func MulAdd(dst, x, y []float32) { run2(&vecMulAdd, dst, x, y) }

// Relu sets dst to the positive part of x, NaN where x is.
func Relu(dst, x []float32) { run1(&vecRelu, dst, x) }

// ReluGrad sets dst = dy where y is above 0, and 0 elsewhere; y may be Relu's input or its output.
func ReluGrad(dst, dy, y []float32) { run2(&vecReluGrad, dst, dy, y) }

// Clamp sets dst = min(max(x, low), high), NaN where x is. The bounds must be numbers.
func Clamp(dst, x []float32, low, high float32) {
	f, x := vecClamp.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], low, high)
	}
	f(dst, x, low, high)
}

// ClampGrad sets dst = dy where low <= x <= high, and 0 elsewhere.
func ClampGrad(dst, dy, x []float32, low, high float32) {
	f, dy, x := vecClampGrad.now(), dy[:len(dst)], x[:len(dst)]
	for ; len(dst) > block; dst, dy, x = dst[block:], dy[block:], x[block:] {
		f(dst[:block], dy[:block], x[:block], low, high)
	}
	f(dst, dy, x, low, high)
}

// SigmoidGrad sets dst = dy*y*(1 - y), the gradient of Sigmoid where its output is y.
func SigmoidGrad(dst, dy, y []float32) { run2(&vecSigmoidGrad, dst, dy, y) }

// TanhGrad sets dst = dy*(1 - y²), the gradient of Tanh where its output is y.
func TanhGrad(dst, dy, y []float32) { run2(&vecTanhGrad, dst, dy, y) }

// Abs sets dst = |x|.
func Abs(dst, x []float32) { run1(&vecAbs, dst, x) }

// Sqrt sets dst to the square root of x, correctly rounded, NaN where x is negative.
func Sqrt(dst, x []float32) { run1(&vecSqrt, dst, x) }

// ScaleShift sets dst = x*a + b.
func ScaleShift(dst, x []float32, a, b float32) {
	f, x := vecScaleShift.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b)
	}
	f(dst, x, a, b)
}

// ShiftScale sets dst = (x + a)*b. Unlike ScaleShift it keeps the digits of x where a nearly cancels it.
func ShiftScale(dst, x []float32, a, b float32) {
	f, x := vecShiftScale.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b)
	}
	f(dst, x, a, b)
}

// ShiftMul sets dst = (x + a)*y.
func ShiftMul(dst, x []float32, a float32, y []float32) {
	f, x, y := vecShiftMul.now(), x[:len(dst)], y[:len(dst)]
	for ; len(dst) > block; dst, x, y = dst[block:], x[block:], y[block:] {
		f(dst[:block], x[:block], y[:block], a)
	}
	f(dst, x, y, a)
}

// Affine2 sets dst = a*x + b*y + c.
func Affine2(dst []float32, a float32, x []float32, b float32, y []float32, c float32) {
	f, x, y := vecAffine2.now(), x[:len(dst)], y[:len(dst)]
	for ; len(dst) > block; dst, x, y = dst[block:], x[block:], y[block:] {
		f(dst[:block], x[:block], y[:block], a, b, c)
	}
	f(dst, x, y, a, b, c)
}

// Normalize sets dst = (x - mean)*invstd*scale + bias, where scale and bias are vectors.
func Normalize(dst, x []float32, mean, invstd float32, scale, bias []float32) {
	f, x, scale, bias := vecNormalize.now(), x[:len(dst)], scale[:len(dst)], bias[:len(dst)]
	for ; len(dst) > block; dst, x, scale, bias = dst[block:], x[block:], scale[block:], bias[block:] {
		f(dst[:block], x[:block], scale[:block], bias[:block], -mean, invstd)
	}
	f(dst, x, scale, bias, -mean, invstd)
}

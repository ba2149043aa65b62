package linalg

// Activations with numbers a, b and c, and their gradients dy*f'(x). Where a function has one slope below a kink and
// another above, the kink itself belongs to the lower part, as in PyTorch.

type (
	curve1 = variants[func(dst, x []float32, a, b, c float32)]
	curve2 = variants[func(dst, dy, x []float32, a, b, c float32)]
)

var (
	vecSoftplus            = map1{softplusGeneric}
	vecSoftsign            = map1{softsignGeneric}
	vecSoftsignGrad        = map2{softsignGradGeneric}
	vecHardSwish           = map1{hardSwishGeneric}
	vecHardSwishGrad       = map2{hardSwishGradGeneric}
	vecMish                = map1{mishGeneric}
	vecMishGrad            = map2{mishGradGeneric}
	vecSignOf              = map1{signGeneric}
	vecPrelu               = map2{preluGeneric}
	vecLeakyRelu           = mapA{leakyReluGeneric}
	vecThresholdedRelu     = mapA{thresholdedReluGeneric}
	vecSwish               = mapA{swishGeneric}
	vecLeakyReluGrad       = variants[func(dst, dy, x []float32, a float32)]{leakyReluGradGeneric}
	vecThresholdedReluGrad = variants[func(dst, dy, x []float32, a float32)]{thresholdedReluGradGeneric}
	vecSwishGrad           = variants[func(dst, dy, x []float32, a float32)]{swishGradGeneric}
	vecHardSigmoid         = variants[func(dst, x []float32, a, b float32)]{hardSigmoidGeneric}
	vecHardSigmoidGrad     = variants[func(dst, dy, x []float32, a, b float32)]{hardSigmoidGradGeneric}
	vecShrink              = curve1{shrinkGeneric}
	vecShrinkGrad          = curve2{shrinkGradGeneric}
	vecElu                 = curve1{eluGeneric}
	vecEluGrad             = curve2{eluGradGeneric}
)

// Softplus sets dst = log(1 + e^x), to 3 ULP.
func Softplus(dst, x []float32) { run1(&vecSoftplus, dst, x) }

// Softsign sets dst = x/(1 + |x|), to 2 ULP.
func Softsign(dst, x []float32) { run1(&vecSoftsign, dst, x) }

// SoftsignGrad sets dst = dy/(1 + |x|)², to 4 ULP.
func SoftsignGrad(dst, dy, x []float32) { run2(&vecSoftsignGrad, dst, dy, x) }

// HardSwish sets dst = x*min(max(x/6 + 1/2, 0), 1).
func HardSwish(dst, x []float32) { run1(&vecHardSwish, dst, x) }

// HardSwishGrad sets dst to dy times the slope of HardSwish at x: 0 below -3, x/3 + 1/2 up to 3, 1 beyond.
func HardSwishGrad(dst, dy, x []float32) { run2(&vecHardSwishGrad, dst, dy, x) }

// Mish sets dst = x*tanh(log(1 + e^x)) (Misra 2019), to 5 ULP; below -87, where less than 2^-118 is left, it is -0.
func Mish(dst, x []float32) { run1(&vecMish, dst, x) }

// MishGrad sets dst to dy times the derivative of Mish at x, to 6 ULP and 2^-22 of dy.
func MishGrad(dst, dy, x []float32) { run2(&vecMishGrad, dst, dy, x) }

// Sign sets dst to -1 for numbers below 0, to 1 above, and to x otherwise.
func Sign(dst, x []float32) { run1(&vecSignOf, dst, x) }

// Prelu sets dst = x where that is above 0, and x*slope elsewhere.
func Prelu(dst, x, slope []float32) { run2(&vecPrelu, dst, x, slope) }

// LeakyRelu sets dst = x where that is above 0, and a*x elsewhere.
func LeakyRelu(dst, x []float32, a float32) { runA(&vecLeakyRelu, dst, x, a) }

// LeakyReluGrad sets dst = dy where x is above 0, and a*dy elsewhere.
func LeakyReluGrad(dst, dy, x []float32, a float32) { runGradA(&vecLeakyReluGrad, dst, dy, x, a) }

// ThresholdedRelu sets dst = x where that is above a, and 0 elsewhere.
func ThresholdedRelu(dst, x []float32, a float32) { runA(&vecThresholdedRelu, dst, x, a) }

// ThresholdedReluGrad sets dst = dy where x is above a, and 0 elsewhere.
func ThresholdedReluGrad(dst, dy, x []float32, a float32) {
	runGradA(&vecThresholdedReluGrad, dst, dy, x, a)
}

// Swish sets dst = x*sigmoid(a*x) (Ramachandran, Zoph, Le 2017), SiLU for an a of 1, to 4 ULP; where a*x is below -87 it
// is -0.
func Swish(dst, x []float32, a float32) { runA(&vecSwish, dst, x, a) }

// SwishGrad sets dst to dy times the derivative of Swish at x, to 4 ULP and 2^-22 of dy.
func SwishGrad(dst, dy, x []float32, a float32) { runGradA(&vecSwishGrad, dst, dy, x, a) }

// HardSigmoid sets dst = min(max(a*x + b, 0), 1).
func HardSigmoid(dst, x []float32, a, b float32) {
	f, x := vecHardSigmoid.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b)
	}
	f(dst, x, a, b)
}

// HardSigmoidGrad sets dst = a*dy where a*x + b lies between 0 and 1, and 0 elsewhere, at 0 and 1 too.
func HardSigmoidGrad(dst, dy, x []float32, a, b float32) {
	f, dy, x := vecHardSigmoidGrad.now(), dy[:len(dst)], x[:len(dst)]
	for ; len(dst) > block; dst, dy, x = dst[block:], dy[block:], x[block:] {
		f(dst[:block], dy[:block], x[:block], a, b)
	}
	f(dst, dy, x, a, b)
}

// Shrink sets dst = x + bias below -bound, x - bias above bound, and 0 between.
func Shrink(dst, x []float32, bias, bound float32) { runCurve(&vecShrink, dst, x, bias, bound, -bound) }

// ShrinkGrad sets dst = dy where x is below -bound or above bound, and 0 between.
func ShrinkGrad(dst, dy, x []float32, bound float32) {
	runCurveGrad(&vecShrinkGrad, dst, dy, x, 0, bound, -bound)
}

// Elu sets dst = a*(e^(b*x) - 1) for x up to 0, and c*x beyond: ELU, SELU and CELU.
func Elu(dst, x []float32, a, b, c float32) { runCurve(&vecElu, dst, x, a, b, c) }

// EluGrad sets dst to dy times the slope of Elu at x.
func EluGrad(dst, dy, x []float32, a, b, c float32) {
	runCurveGrad(&vecEluGrad, dst, dy, x, a*b, b, c)
}

func runGradA(v *variants[func(dst, dy, x []float32, a float32)], dst, dy, x []float32, a float32) {
	f, dy, x := v.now(), dy[:len(dst)], x[:len(dst)]
	for ; len(dst) > block; dst, dy, x = dst[block:], dy[block:], x[block:] {
		f(dst[:block], dy[:block], x[:block], a)
	}
	f(dst, dy, x, a)
}

func runCurve(v *curve1, dst, x []float32, a, b, c float32) {
	f, x := v.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b, c)
	}
	f(dst, x, a, b, c)
}

func runCurveGrad(v *curve2, dst, dy, x []float32, a, b, c float32) {
	f, dy, x := v.now(), dy[:len(dst)], x[:len(dst)]
	for ; len(dst) > block; dst, dy, x = dst[block:], dy[block:], x[block:] {
		f(dst[:block], dy[:block], x[:block], a, b, c)
	}
	f(dst, dy, x, a, b, c)
}

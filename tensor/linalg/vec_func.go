package linalg

// The portable variants compute in float64 with package math and are right to half a unit in the last place (ULP). The
// assembly uses minimax fits (tensor/linalg/_asm/vec/func.go); its errors given below bound what was measured over all
// of float32, and tests hold them.

var (
	vecExp          = map1{expGeneric}
	vecLog          = map1{logGeneric}
	vecTanh         = map1{tanhGeneric}
	vecSigmoid      = map1{sigmoidGeneric}
	vecErf          = map1{erfGeneric}
	vecGelu         = map1{geluGeneric}
	vecGeluTanh     = map1{geluTanhGeneric}
	vecGeluGrad     = map2{geluGradGeneric}
	vecGeluTanhGrad = map2{geluTanhGradGeneric}

	vecExpShiftSum = variants[func(dst, x []float32, shift float32) float32]{expShiftSumGeneric}
)

// Exp sets dst = e^x, to 1.01 ULP, subnormal results included.
func Exp(dst, x []float32) { run1(&vecExp, dst, x) }

// ExpShiftSum sets dst = e^(x-shift) as Exp does and returns the sum of dst.
func ExpShiftSum(dst, x []float32, shift float32) float32 {
	f, x := vecExpShiftSum.now(), x[:len(dst)]
	if len(dst) <= block {
		return f(dst, x, shift)
	}
	return float32(blocks(len(dst), func(lo, hi int) float64 { return float64(f(dst[lo:hi], x[lo:hi], shift)) }))
}

// Log sets dst to the natural logarithm of x, to 2 ULP: -Inf for 0, NaN below.
func Log(dst, x []float32) { run1(&vecLog, dst, x) }

// Tanh sets dst to the hyperbolic tangent of x, to 3 ULP.
func Tanh(dst, x []float32) { run1(&vecTanh, dst, x) }

// Sigmoid sets dst = 1/(1 + e^-x), to 3 ULP, subnormal results included.
func Sigmoid(dst, x []float32) { run1(&vecSigmoid, dst, x) }

// Erf sets dst to the error function of x, to 2 ULP.
func Erf(dst, x []float32) { run1(&vecErf, dst, x) }

// Gelu sets dst = x*Φ(x) for the standard normal distribution Φ, to 6 ULP; below -13, where less than 2^-122 is left, it
// is -0.
func Gelu(dst, x []float32) { run1(&vecGelu, dst, x) }

// GeluGrad sets dst = dy*(Φ(x) + x*φ(x)), the gradient of Gelu at x, to 6 ULP and 2^-23
// of dy.
func GeluGrad(dst, dy, x []float32) { run2(&vecGeluGrad, dst, dy, x) }

// GeluTanh sets dst to the tanh form of GELU, x*sigmoid(2u) for u = √(2/π)*(x + 0.044715*x³), to 4 ULP
// and 2^-24.
func GeluTanh(dst, x []float32) { run1(&vecGeluTanh, dst, x) }

// GeluTanhGrad sets dst to dy times the derivative of GeluTanh at x, to 4 ULP and 2^-23 of dy.
func GeluTanhGrad(dst, dy, x []float32) { run2(&vecGeluTanhGrad, dst, dy, x) }

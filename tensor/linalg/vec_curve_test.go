package linalg

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

func init() {
	vectorCalls = append(vectorCalls, []vectorCall{
		{"softplus", func(s [5][]float32) float64 { Softplus(s[0], s[1]); return 0 }, 2},
		{"softsign", func(s [5][]float32) float64 { Softsign(s[0], s[1]); return 0 }, 0},
		{"softsign grad", func(s [5][]float32) float64 { SoftsignGrad(s[0], s[1], s[2]); return 0 }, 0},
		{"hard swish", func(s [5][]float32) float64 { HardSwish(s[0], s[1]); return 0 }, 0},
		{"hard swish grad", func(s [5][]float32) float64 { HardSwishGrad(s[0], s[2], s[1]); return 0 }, 0},
		{"mish", func(s [5][]float32) float64 { Mish(s[0], s[1]); return 0 }, 3},
		{"mish grad", func(s [5][]float32) float64 { MishGrad(s[0], s[1], s[2]); return 0 }, 4},
		{"sign", func(s [5][]float32) float64 { Sign(s[0], s[1]); return 0 }, 0},
		{"prelu", func(s [5][]float32) float64 { Prelu(s[0], s[1], s[2]); return 0 }, 0},
		{"leaky relu", func(s [5][]float32) float64 { LeakyRelu(s[0], s[1], 0.1); return 0 }, 0},
		{"leaky relu grad", func(s [5][]float32) float64 { LeakyReluGrad(s[0], s[1], s[2], 0.1); return 0 }, 0},
		{"thresholded relu", func(s [5][]float32) float64 { ThresholdedRelu(s[0], s[1], 0.3); return 0 }, 0},
		{"thresholded relu grad", func(s [5][]float32) float64 { ThresholdedReluGrad(s[0], s[1], s[2], 0.1); return 0 }, 0},
		{"swish", func(s [5][]float32) float64 { Swish(s[0], s[1], 1.702); return 0 }, 3},
		{"swish grad", func(s [5][]float32) float64 { SwishGrad(s[0], s[1], s[2], 1.702); return 0 }, 4},
		{"hard sigmoid", func(s [5][]float32) float64 { HardSigmoid(s[0], s[1], 0.4, 0.5); return 0 }, 0},
		{"hard sigmoid grad", func(s [5][]float32) float64 { HardSigmoidGrad(s[0], s[2], s[1], 0.4, 0.5); return 0 }, 0},
		{"shrink", func(s [5][]float32) float64 { Shrink(s[0], s[1], 0.2, 0.3); return 0 }, 0},
		{"shrink grad", func(s [5][]float32) float64 { ShrinkGrad(s[0], s[2], s[1], 0.3); return 0 }, 0},
		{"elu", func(s [5][]float32) float64 { Elu(s[0], s[1], 0.7, 1.3, 1.1); return 0 }, 3},
		{"elu grad", func(s [5][]float32) float64 { EluGrad(s[0], s[2], s[1], 0.7, 1.3, 1.1); return 0 }, 4},
	}...)
}

// The bounds are what the documentation promises: units of the result's last place, and of that of 1/2.
func TestCurveErrors(t *testing.T) {
	one := make([]float32, 4096)
	for i := range one {
		one[i] = 1
	}
	const tiny = 0x1p-94 // of a unit of 1/2: what results may lose that are as good as 0
	functions := []struct {
		name     string
		f        func(dst, x []float32)
		exact    func(x float64) float64
		rel, abs float64
	}{
		{"softplus", Softplus, softplus, 3, 0},
		{"elu", func(dst, x []float32) { Elu(dst, x, 1, 1, 1) }, func(x float64) float64 {
			if x > 0 {
				return x
			}
			return math.Expm1(x)
		}, 3, 0},
		{"elu grad", func(dst, x []float32) { EluGrad(dst, one, x, 1, 1, 1) }, func(x float64) float64 {
			return math.Exp(min(x, 0))
		}, 2, tiny},
		{"swish", func(dst, x []float32) { Swish(dst, x, 1) }, func(x float64) float64 { return x * logistic(x) }, 4, tiny},
		{"swish grad", func(dst, x []float32) { SwishGrad(dst, one, x, 1) }, func(x float64) float64 {
			x = min(max(x, -100), 100)
			s := logistic(x)
			return s + x*s*logistic(-x)
		}, 4, 4},
		{"mish", Mish, func(x float64) float64 { y, _ := mishOf(x); return y }, 5, tiny},
		{"mish grad", func(dst, x []float32) { MishGrad(dst, one, x) }, func(x float64) float64 {
			_, slope := mishOf(min(max(x, -100), 100))
			return slope
		}, 6, 4},
		{"softsign", Softsign, func(x float64) float64 { return x / (1 + math.Abs(x)) }, 2, 0},
		{"softsign grad", func(dst, x []float32) { SoftsignGrad(dst, one, x) }, func(x float64) float64 {
			return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x)))
		}, 4, tiny},
	}
	for _, c := range functions {
		for level := cpu.Generic; level <= min(cpu.Detected(), cpu.AVX512); level++ {
			t.Run(c.name+"/"+level.String(), func(t *testing.T) {
				defer cpu.Limit(level)()
				worst, at := 0.0, float32(0)
				y := make([]float32, 4096)
				grid(gridStep(), func(x []float32) {
					c.f(y[:len(x)], x)
					for i, v := range x {
						want := c.exact(float64(v))
						if e := ulps(y[i], want) / (c.rel + c.abs*0x1p-24/unit(want)); e > worst {
							worst, at = e, v
						}
					}
				})
				t.Logf("%.3f of the bound at %v", worst, at)
				if worst > 1 {
					t.Errorf("%v times the bound at %v", worst, at)
				}
			})
		}
	}
}

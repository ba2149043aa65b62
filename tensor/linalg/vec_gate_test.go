package linalg

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

func init() {
	vectorCalls = append(vectorCalls, []vectorCall{
		{"scale shift relu", func(s [5][]float32) float64 { ScaleShiftRelu(s[0], s[1], 0.3, -0.1); return 0 }, 1},
		{"scale shift add relu", func(s [5][]float32) float64 { ScaleShiftAddRelu(s[0], s[1], 0.3, -0.1, s[2]); return 0 }, 1},
		{"gated affine2", func(s [5][]float32) float64 { GatedAffine2(s[0], s[1], s[2], 1, 0, 0.3, -2, 0.7); return 0 }, 3},
		{"gated sums", func(s [5][]float32) float64 { a, b := GatedSums(s[1], s[2], 1, 0, 0.3); return float64(a + 3*b) }, 240},
		{"rectified sums", func(s [5][]float32) float64 {
			a, b := RectifiedSums(s[0], s[1], s[2], s[3], 0.3)
			return float64(a + 3*b)
		}, 240},
	}...)
}

// TestGatesKeepBits compares the loops with the functions that they stand for.
func TestGatesKeepBits(t *testing.T) {
	for l := cpu.Generic; l <= cpu.Detected(); l++ {
		t.Run(l.String(), func(t *testing.T) {
			defer cpu.Limit(l)()
			for _, n := range []int{0, 1, 7, 8, 15, 16, 31, 33, 64, 127, 1000, block, block + 5, 3*block + 77} {
				gatesKeepBits(t, n)
			}
		})
	}
}

func gatesKeepBits(t *testing.T, n int) {
	dy, x, y := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		dy[i], x[i], y[i] = float32(math.Sin(float64(3*i))), float32(math.Cos(float64(i)))+0.2, float32(math.Sin(float64(7*i)))
	}
	if n > 5 {
		dy[n-1], x[n-2], y[n-3] = float32(math.NaN()), float32(math.Inf(1)), float32(math.NaN())
	}
	const a, b, m = 1.5, -0.125, 0.25
	normal, g, h := make([]float32, n), make([]float32, n), make([]float32, n)
	ScaleShift(normal, x, a, b)
	ReluGrad(g, dy, normal)
	sum, product := GatedSums(dy, x, a, b, m)
	sameNumbers(t, "gated sums", []float32{sum, product}, []float32{Sum(g), DotDiff(g, x, m)})
	got, want := make([]float32, n), make([]float32, n)
	GatedAffine2(got, dy, x, a, b, 0.5, -3, 0.75)
	Affine2(want, 0.5, g, -3, x, 0.75)
	sameNumbers(t, "gated affine2", got, want)

	ReluGrad(h, dy, y)
	sum, product = RectifiedSums(got, dy, y, x, m)
	sameNumbers(t, "rectified", got, h)
	sameNumbers(t, "rectified sums", []float32{sum, product}, []float32{Sum(h), DotDiff(h, x, m)})

	ScaleShiftRelu(got, x, a, b)
	Relu(want, normal)
	sameNumbers(t, "scale shift relu", got, want)
	ScaleShiftAddRelu(got, x, a, b, y)
	Add(want, normal, y)
	Relu(want, want)
	sameNumbers(t, "scale shift add relu", got, want)
}

func sameNumbers(t *testing.T, what string, got, want []float32) {
	t.Helper()
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s of %d elements: other bits than of separate functions", what, len(got))
	}
}

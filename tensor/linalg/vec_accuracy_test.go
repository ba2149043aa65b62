package linalg

import (
	"math"
	"os"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// edges are the values where something changes: zeros, subnormals, overflow and underflow, bounds of the fits.
func edges() []float32 {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{0, inf, nan, math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 0x1p-127, 0x1.fffffcp-127, 1, 0.5, 0.75, 1.5, 2,
		math.Ln2, math.Ln2 / 2, 88.72283, 88.722839, 88.72284, 87.33654, 87.33655, 103.27892, 103.97207, 103.97208, 104, 89, 4, 15, 14.5, 20, 9.010913, 1e19, 1e30}
	for _, v := range x {
		x = append(x, -v, math.Nextafter32(v, inf), math.Nextafter32(v, -inf), -math.Nextafter32(v, inf), -math.Nextafter32(v, -inf))
	}
	return x
}

// grid is every float32 of which the bits are a multiple of step, and the edges.
func grid(step uint32, f func(x []float32)) {
	f(edges())
	x := make([]float32, 0, 4096)
	for bits := uint64(0); bits < 1<<32; bits += uint64(step) {
		x = append(x, math.Float32frombits(uint32(bits)))
		if len(x) == cap(x) {
			f(x)
			x = x[:0]
		}
	}
	f(x)
}

// gridStep is a prime, so that all patterns of low bits occur.
func gridStep() uint32 {
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		return 61
	}
	return 7919
}

// ulps is the distance of got from want in units of want's last place as a float32.
func ulps(got float32, want float64) float64 {
	switch rounded := float32(want); {
	case want != want && got != got || math.IsInf(float64(rounded), 0) && got == rounded:
		return 0
	case want != want || got != got || math.IsInf(float64(rounded), 0) || math.IsInf(float64(got), 0):
		return math.Inf(1)
	}
	return math.Abs(float64(got)-want) / unit(want)
}

// unit is the last place of a float32 near x.
func unit(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(e-24, -149))
}

// The bounds are what the documentation promises.
func TestFunctionErrors(t *testing.T) {
	functions := []struct {
		name  string
		f     func(dst, x []float32)
		exact func(x float64) float64
		ulps  float64
	}{
		{"exp", Exp, math.Exp, 1.01},
		{"log", Log, math.Log, 2},
		{"tanh", Tanh, math.Tanh, 3},
		{"sigmoid", Sigmoid, logistic, 3},
		{"erf", Erf, math.Erf, 2},
		{"sqrt", Sqrt, math.Sqrt, 0.5},
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
						if e := ulps(y[i], c.exact(float64(v))); e > worst {
							worst, at = e, v
						}
						if y[i] == 0 && v == 0 && math.Signbit(float64(y[i])) != math.Signbit(c.exact(float64(v))) {
							t.Errorf("f(%v) has the wrong sign", v)
						}
					}
				})
				t.Logf("%.3f ULP at %v (%#08x)", worst, at, math.Float32bits(at))
				if worst > c.ulps {
					t.Errorf("%v ULP at %v, more than %v", worst, at, c.ulps)
				}
			})
		}
	}
}

// The bounds are what the documentation promises: units of the result's last place, and of that of 1/2.
func TestGeluErrors(t *testing.T) {
	one := make([]float32, 4096)
	for i := range one {
		one[i] = 1
	}
	functions := []struct {
		name     string
		f        func(dst, x []float32)
		exact    func(x float64) float64
		rel, abs float64
	}{
		{"gelu", Gelu, func(x float64) float64 {
			x = max(x, -50)
			below, _ := normal(x)
			return x * below
		}, 6, 0x1p-98},
		{"gelu grad", func(dst, x []float32) { GeluGrad(dst, one, x) }, func(x float64) float64 {
			x = min(max(x, -50), 50)
			below, density := normal(x)
			return below + x*density
		}, 6, 2},
		{"tanh", GeluTanh, func(x float64) float64 {
			x = max(x, -50)
			return x * logistic(x*(geluSlope+geluCubic*x*x))
		}, 4, 1},
		{"tanh grad", func(dst, x []float32) { GeluTanhGrad(dst, one, x) }, func(x float64) float64 {
			x = min(max(x, -50), 50)
			s := logistic(x * (geluSlope + geluCubic*x*x))
			return s + x*s*(1-s)*(geluSlope+3*geluCubic*x*x)
		}, 4, 2},
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

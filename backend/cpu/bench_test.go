package cpu

import "testing"

func BenchmarkLoops(b *testing.B) {
	const n = 2 << 20
	x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = float32(i%17)/17, float32(i%13)/13
	}
	for _, c := range []struct {
		name  string
		bytes int
		f     func(lo, hi int)
	}{
		{"addVV", 12, func(lo, hi int) { addVV(z[lo:hi], x[lo:hi], y[lo:hi]) }},
		{"mulVS", 8, func(lo, hi int) { mulVS(z[lo:hi], x[lo:hi], 3) }},
		{"sum", 4, func(lo, hi int) { sum(x[lo:hi]) }},
		{"dot", 8, func(lo, hi int) { dot(x[lo:hi], y[lo:hi]) }},
		{"relu", 8, func(lo, hi int) { relu(z[lo:hi], x[lo:hi]) }},
		{"max", 4, func(lo, hi int) { maxOf(x[lo:hi]) }},
		{"copy", 8, func(lo, hi int) { copy(z[lo:hi], x[lo:hi]) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(c.bytes) * n)
			for range b.N {
				for i := 0; i < n; i += chunk {
					c.f(i, i+chunk)
				}
			}
		})
	}
}

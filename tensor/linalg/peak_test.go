package linalg

import (
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// TestPeakLoop compares its rates with those of products, of which they are the bounds.
func TestPeakLoop(t *testing.T) {
	const n = 256
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	call := GemmCall{A: RowMajor(a, n, n), B: RowMajor(b, n, n), C: RowMajor(c, n, n), Alpha: 1}
	halfCall := HalfCall{A: call.A.Half(), B: call.B.Half(), C: call.C.Half(), Alpha: 1}
	work := make([]float32, max(call.Work(1), halfCall.Work(1)))
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		t.Run(level.String(), func(t *testing.T) {
			defer cpu.Limit(level)()
			for half, run := range map[bool]func(){false: func() { call.Run(nil, work) }, true: func() { halfCall.Run(nil, work) }} {
				loop, operations := PeakLoop(half)
				peak, product := 0.0, 0.0
				for range 15 { // the best of several, as others may have the core
					peak = max(peak, rateOf(func() float64 { loop(); loop(); return 2 * operations }))
					product = max(product, rateOf(func() float64 { run(); return 2 * n * n * n }))
				}
				if product > 1.5*peak || product < peak/20 {
					t.Errorf("in bf16 %v: a product does %.3g operations a second, the peak is %.3g", half, product, peak)
				}
			}
		})
	}
}

func rateOf(work func() float64) float64 {
	start := time.Now()
	done := work()
	return done / time.Since(start).Seconds()
}

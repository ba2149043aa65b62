package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// bestRate runs for b.Loop and reports the best run, which is what a shared machine can repeat.
func bestRate(b *testing.B, flops float64, run func()) {
	runs := 1 + int(1e6/flops)
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		for range runs {
			run()
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(flops*float64(runs)/best.Seconds()/1e9, "best-GFLOP/s")
}

func BenchmarkHalfTile(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		for _, s := range []struct{ cols, steps, blocks int }{{32, 16, 1}, {32, 32, 1}, {32, 32, 8}, {128, 32, 1}, {256, 32, 8},
			{1024, 32, 8}, {1024, 32, 32}, {1024, 16, 18}} {
			b.Run(fmt.Sprintf("%v/32x%dx%dx%d", level, s.cols, s.steps, s.blocks), func(b *testing.B) {
				defer cpu.Limit(level)()
				t := HalfTile{Steps: s.steps, ARow: s.steps * s.blocks, BRow: 2 * HalfCols, BPanel: s.steps * s.blocks * HalfCols,
					CRow: s.cols, Rows: HalfRows, Cols: s.cols}
				for i := range s.blocks {
					t.AAt, t.BAt = append(t.AAt, i*s.steps), append(t.BAt, i*s.steps*HalfCols)
				}
				t.A, t.B, t.C = randomHalf(rng, HalfRows*t.ARow), randomHalf(rng, s.cols*t.ARow), make([]float32, HalfRows*s.cols)
				bestRate(b, 2*float64(HalfRows*s.cols*t.ARow), t.Run)
			})
		}
	}
}

// Products in bf16, from operands of either type, beside the one in float32.
func BenchmarkHalfGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for level := cpu.AVX2; level <= cpu.Detected(); level++ {
		for _, s := range []struct {
			name, a, b string
			m, n, k    int
		}{
			{"square", "rows", "rows", 1024, 1024, 1024},
			{"forward", "rows", "rows", 4160, 384, 1536},
			{"input gradient", "rows", "columns", 4160, 1536, 384},
			{"weight gradient", "columns", "rows", 1536, 384, 4160},
			{"small", "rows", "rows", 64, 64, 64},
			{"narrow", "rows", "rows", 128, 10, 784},
			{"one row", "rows", "columns", 1, 4096, 4096},
		} {
			run := func(kind string, call func()) {
				b.Run(fmt.Sprintf("%v/%s/%dx%dx%d/%s", level, s.name, s.m, s.n, s.k, kind), func(b *testing.B) {
					defer cpu.Limit(level)()
					bestRate(b, 2*float64(s.m)*float64(s.n)*float64(s.k), call)
				})
			}
			f := GemmCall{A: layOut(rng, s.a, s.m, s.k), B: layOut(rng, s.b, s.k, s.n), C: layOut(rng, "rows", s.m, s.n), Alpha: 1}
			work := make([]float32, GemmWork(s.m, s.n, s.k, 1))
			if level <= cpu.AVX512 {
				run("f32", func() { f.Run(nil, work) })
			}
			for _, half := range []bool{false, true} {
				g := HalfCall{A: layHalf(rng, s.a, s.m, s.k, half), B: layHalf(rng, s.b, s.k, s.n, half), C: layHalf(rng, "rows", s.m, s.n, half), Alpha: 1}
				work := make([]float32, g.Work(1))
				run(map[bool]string{false: "from f32", true: "bf16"}[half], func() { g.Run(nil, work) })
			}
		}
	}
}

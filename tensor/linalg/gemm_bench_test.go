package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// benchmark reports the best run, which is what a shared machine can repeat.
func benchmark(b *testing.B, g GemmCall) {
	work := make([]float32, g.Work(1))
	flops := 2 * float64(g.A.Rows) * float64(g.A.Cols) * float64(g.B.Cols) * float64(max(g.Count, 1))
	runs := 1 + int(1e6/flops)
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		for range runs {
			g.Run(nil, work)
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(flops*float64(runs)/best.Seconds()/1e9, "best-GFLOP/s")
}

func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		if kernels[level] == nil {
			continue
		}
		for _, s := range []struct {
			m, n, k int
			a, b    string
		}{
			{1024, 1024, 1024, "rows", "rows"},
			{1024, 1024, 1024, "rows", "columns"},
			{1024, 1024, 1024, "columns", "rows"},
			{256, 4096, 64, "rows", "rows"},
			{4096, 64, 256, "rows", "rows"},
			{64, 4096, 576, "rows", "rows"},
			{64, 576, 100000, "rows", "columns"},
			{128, 10, 784, "rows", "rows"},
			{2048, 768, 768, "rows", "columns"},
			{768, 768, 2048, "columns", "rows"},
			{1, 4096, 4096, "rows", "rows"},
			{1, 4096, 4096, "rows", "columns"},
			{4096, 1, 4096, "rows", "rows"},
			{8, 1024, 1024, "rows", "columns"},
			{8, 1024, 1024, "rows", "rows"},
			{4096, 512, 128, "rows", "columns"},
			{4096, 128, 512, "rows", "columns"},
			{4096, 128, 512, "rows", "rows"},
			{512, 128, 4096, "columns", "rows"},
			{128, 128, 4096, "columns", "rows"},
			{128, 256, 784, "rows", "columns"},
			{256, 784, 128, "columns", "rows"},
			{32, 32, 32, "rows", "rows"},
			{8, 8, 8, "rows", "rows"},
		} {
			b.Run(fmt.Sprintf("%v/%dx%dx%d/%s/%s", level, s.m, s.n, s.k, s.a, s.b), func(b *testing.B) {
				defer cpu.Limit(level)()
				benchmark(b, GemmCall{A: layOut(rng, s.a, s.m, s.k), B: layOut(rng, s.b, s.k, s.n), C: layOut(rng, "rows", s.m, s.n), Alpha: 1})
			})
		}
	}
}

// The products of attention for heads of all sequences, positions and features.
func BenchmarkGemmAttention(b *testing.B) {
	for _, s := range [][3]int{{12, 256, 64}, {256, 64, 32}, {64, 128, 32}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchmarkAttention(b, s[0], s[1], s[2]) })
	}
}

func benchmarkAttention(b *testing.B, heads, length, size int) {
	rng := rand.New(rand.NewPCG(1, 1))
	q, p := random(rng, heads*length*size), random(rng, heads*length*length)
	flat, square := Batch{Stride: length * size}, Batch{Stride: length * length}
	b.Run("scores", func(b *testing.B) {
		benchmark(b, GemmCall{A: RowMajor(q, length, size), B: RowMajor(q, length, size).T(), C: RowMajor(p, length, length), Alpha: 1,
			Count: heads, ABatch: flat, BBatch: flat, CBatch: square})
	})
	b.Run("values", func(b *testing.B) {
		benchmark(b, GemmCall{A: RowMajor(p, length, length), B: RowMajor(q, length, size), C: RowMajor(random(rng, len(q)), length, size), Alpha: 1,
			Count: heads, ABatch: square, BBatch: flat, CBatch: flat})
	})
	b.Run("transposed", func(b *testing.B) {
		benchmark(b, GemmCall{A: RowMajor(p, length, length).T(), B: RowMajor(q, length, size), C: RowMajor(random(rng, len(q)), length, size), Alpha: 1,
			Count: heads, ABatch: square, BBatch: flat, CBatch: flat})
	})
}

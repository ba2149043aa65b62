package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// BenchmarkEigenSym reports the best run, which is what a shared machine can repeat.
func BenchmarkEigenSym(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{64, 128, 256, 512, 768, 1024} {
		for name, a := range map[string][]float64{"random": randomSymmetric(rng, n), "decaying": decaying(rng, n)} {
			values, vectors, work := make([]float64, n), make([]float64, n*n), make([]float64, EigenSymWork(n))
			for threads := 1; threads <= 2; threads++ {
				b.Run(fmt.Sprintf("%s/%d/threads%d", name, n, threads), func(b *testing.B) {
					p := par.New(threads)
					defer p.Close()
					best := time.Duration(math.MaxInt64)
					for b.Loop() {
						start := time.Now()
						if err := EigenSym(p, n, a, values, vectors, work); err != nil {
							b.Fatal(err)
						}
						best = min(best, time.Since(start))
					}
					b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
				})
			}
			if n > 512 {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d/gonum", name, n), func(b *testing.B) {
				best := time.Duration(math.MaxInt64)
				stride := n | 1
				w := make([]float64, n*stride)
				s := blas64.Symmetric{N: n, Stride: stride, Data: w, Uplo: blas.Upper}
				size := []float64{0}
				lapack64.Syev(lapack.EVCompute, s, values, size, -1)
				scratch := make([]float64, int(size[0]))
				for b.Loop() {
					for i := range n {
						copy(w[i*stride:][:n], a[i*n:])
					}
					start := time.Now()
					lapack64.Syev(lapack.EVCompute, s, values, scratch, len(scratch))
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
			})
		}
	}
}

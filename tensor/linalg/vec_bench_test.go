package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// BenchmarkVector reports the best run of each function on slices that fit the first cache and on ones that fit none
// near a core.
func BenchmarkVector(b *testing.B) {
	for _, n := range []int{1 << 10, 1 << 22} {
		memory := vectorMemory(rand.New(rand.NewPCG(1, 1)), n)
		for i := range memory[1] {
			memory[1][i] *= 4
		}
		for level := cpu.Generic; level <= min(cpu.Detected(), cpu.AVX512); level++ {
			for _, c := range slices.Concat(vectorCalls, updateCalls) {
				b.Run(fmt.Sprintf("%d/%v/%s", n, level, c.name), func(b *testing.B) {
					defer cpu.Limit(level)()
					runs := max(1, 1<<14/n)
					best := time.Duration(math.MaxInt64)
					for b.Loop() {
						start := time.Now()
						for range runs {
							c.call(memory)
						}
						best = min(best, time.Since(start))
					}
					b.ReportMetric(float64(best.Nanoseconds())/float64(runs*n), "best-ns/element")
				})
			}
		}
	}
}

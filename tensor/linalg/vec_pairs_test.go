package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// TestPairs compares with the portable twin, on few different numbers, so that windows have equal ones, and with NaNs, and
// sees that nothing beside the windows is written.
func TestPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() float32 {
		if r.IntN(12) == 0 {
			return float32(math.NaN())
		}
		return float32(r.IntN(5) - 2)
	}
	for l := cpu.Generic; l <= cpu.Detected(); l++ {
		t.Run(l.String(), func(t *testing.T) {
			for width := 0; width < 40; width++ {
				for _, stride := range []int{2 * width, 2*width + 3} {
					pairsAt(t, l, 3, width, stride, number)
				}
			}
		})
	}
}

func pairsAt(t *testing.T, l cpu.Level, rows, width, stride int, number func() float32) {
	t.Helper()
	x, dy := make([]float32, 2*rows*stride), make([]float32, rows*width)
	for i := range x {
		x[i] = number()
	}
	for i := range dy {
		dy[i] = float32(i + 1)
	}
	run := func(l cpu.Level) [4][]float32 {
		defer cpu.Limit(l)()
		var out [4][]float32
		for k, n := range []int{len(dy), len(x), len(dy), len(x)} {
			out[k] = slices.Repeat([]float32{-77}, n+8)
		}
		MaxPairs(out[0], x, rows, width, stride)
		MaxPairsGrad(out[1], dy, x, rows, width, stride)
		SumPairs(out[2], 0.3, x, rows, width, stride)
		SumPairsGrad(out[3], 0.3, dy, rows, width, stride)
		return out
	}
	got, want := run(l), run(cpu.Generic)
	for k, what := range []string{"maxima", "gradients of maxima", "sums", "gradients of sums"} {
		sameNumbers(t, fmt.Sprintf("%s of rows of %d", what, width), got[k], want[k])
		if behind := got[k][len(got[k])-8:]; slices.ContainsFunc(behind, func(v float32) bool { return v != -77 }) {
			t.Errorf("%s of rows of %d: something behind the end is written", what, width)
		}
	}
}

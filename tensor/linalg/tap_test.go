package linalg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Sums and dot products over taps are those of float64, and memory around them stays as it was.
func TestTaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	eachLevel(t, func(t *testing.T) {
		for _, count := range []int{1, 2, 3, 5, 8, 9, 10, 25, 49} {
			for _, n := range []int{16, 32, 48, 128, 160, 16 * 37, block + 16} {
				testTaps(t, rng, count, n)
			}
		}
	})
}

func testTaps(t *testing.T, rng *rand.Rand, count, n int) {
	t.Helper()
	const slack = 300
	x, y, w := random(rng, n+slack), random(rng, n), random(rng, count)
	offsets := make([]int32, count)
	for i := range offsets {
		offsets[i] = int32(rng.IntN(slack + 1))
	}
	dst := make([]float32, n+2)
	dst[0], dst[n+1] = 7, 7
	TapSums(dst[1:n+1], x, w, offsets, 0.25)
	sums := random(rng, TapLanes*count)
	want := make([]float64, count)
	for k := range want {
		for _, v := range sums[TapLanes*k:][:TapLanes] {
			want[k] += float64(v)
		}
	}
	TapDots(sums, y, x, offsets)
	if dst[0] != 7 || dst[n+1] != 7 {
		t.Fatalf("%d taps, %d elements: wrote beyond", count, n)
	}
	for i := range n {
		sum, size := 0.25, 1.0
		for k, at := range offsets {
			p := float64(w[k]) * float64(x[int(at)+i])
			sum, size = sum+p, size+math.Abs(p)
		}
		if d := math.Abs(float64(dst[1+i]) - sum); d > 1e-6*size {
			t.Fatalf("%d taps, %d elements: sum %d is %v, want %v", count, n, i, dst[1+i], sum)
		}
	}
	for k, at := range offsets {
		got, size := 0.0, 1.0
		for i := range n {
			p := float64(y[i]) * float64(x[int(at)+i])
			want[k], size = want[k]+p, size+math.Abs(p)
		}
		for _, v := range sums[TapLanes*k:][:TapLanes] {
			got += float64(v)
		}
		if math.Abs(got-want[k]) > 1e-6*size {
			t.Fatalf("%d taps, %d elements: dot %d is %v, want %v", count, n, k, got, want[k])
		}
	}
}

package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// result is what a call leaves: its slices, with what lies around them, and the number it returns.
type result struct {
	memory [5][]float32
	number float64
}

// run calls c on n elements from an offset on.
func (c *vectorCall) run(level cpu.Level, memory [5][]float32, offset, n int) result {
	defer cpu.Limit(level)()
	var r result
	var s [5][]float32
	for i, m := range memory {
		r.memory[i] = append([]float32(nil), m...)
		s[i] = r.memory[i][offset : offset+n]
	}
	r.number = c.call(s)
	return r
}

func vectorMemory(rng *rand.Rand, n int) [5][]float32 {
	var memory [5][]float32
	for i := range memory {
		memory[i] = random(rng, n)
		for k, v := range memory[i] {
			switch {
			case i == 2:
				memory[i][k] = v / 6 // its square stays below the elements of the next
			case i > 2:
				memory[i][k] = 1 + float32(math.Abs(float64(v)))
			}
		}
	}
	return memory
}

func same(got, want, tol float64) bool {
	return got == want || got != got && want != want || math.Abs(got-want) <= tol*(1+math.Abs(want))*0x1p-23
}

// Every instruction set agrees with the portable variant and leaves memory around the slices alone.
func TestVectorLevelsAgree(t *testing.T) {
	lengths := []int{block, block + 5, 2*block + 77}
	for n := range 101 {
		lengths = append(lengths, n)
	}
	rng := rand.New(rand.NewPCG(31, 32))
	memory := vectorMemory(rng, 2*block+200)
	for _, c := range slices.Concat(vectorCalls, updateCalls) {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range lengths {
				offset := rng.IntN(20)
				m := memory
				for i := range m {
					m[i] = memory[i][:n+40]
				}
				want := c.run(cpu.Generic, m, offset, n)
				for level := cpu.AVX2; level <= min(cpu.Detected(), cpu.AVX512); level++ {
					got := c.run(level, m, offset, n)
					if !same(got.number, want.number, c.tol) {
						t.Fatalf("%v, %d elements: %v, generic %v", level, n, got.number, want.number)
					}
					compare(t, fmt.Sprintf("%v, %d elements", level, n), got.memory, want.memory, c.tol, offset, n)
				}
			}
		})
	}
}

func compare(t *testing.T, what string, got, want [5][]float32, tol float64, offset, n int) {
	t.Helper()
	for i := range got {
		for k := range got[i] {
			tol := tol
			if k < offset || k >= offset+n {
				tol = 0
			}
			if !same(float64(got[i][k]), float64(want[i][k]), tol) {
				t.Fatalf("%s: slice %d at %d: %v, generic %v", what, i, k-offset, got[i][k], want[i][k])
			}
		}
	}
}

// Zeros, infinities, NaN and subnormals come out as the portable variant has them. Sums of infinities are left out.
func TestVectorSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	values := []float32{0, 1, inf, -1, nan, math.MaxFloat32, -inf, math.SmallestNonzeroFloat32, -0x1p-127, 0x1p-126, -math.MaxFloat32,
		float32(math.Copysign(0, -1)), 100}
	n := len(values) * 7
	var memory [5][]float32
	for i := range memory {
		memory[i] = make([]float32, n)
		for k := range memory[i] {
			memory[i][k] = values[k*(i+1)%len(values)]
			if i > 2 && k%3 > 0 {
				memory[i][k] = 0
			}
		}
	}
	for _, c := range vectorCalls {
		t.Run(c.name, func(t *testing.T) {
			for k := range n {
				want := c.run(cpu.Generic, memory, k, 1)
				for level := cpu.AVX2; level <= min(cpu.Detected(), cpu.AVX512); level++ {
					got := c.run(level, memory, k, 1)
					if !same(got.number, want.number, c.tol) && !overflow(got.number, want.number) {
						t.Fatalf("%v: %v, generic %v", level, got.number, want.number)
					}
					for i := range got.memory {
						if g, w := float64(got.memory[i][k]), float64(want.memory[i][k]); !same(g, w, c.tol) && !overflow(g, w) {
							t.Errorf("%v: f(%v, %v, %v, %v, %v) gives slice %d %v, generic %v", level, memory[0][k], memory[1][k], memory[2][k],
								memory[3][k], memory[4][k], i, g, w)
						}
					}
				}
			}
		})
	}
}

// overflow says that intermediate results, which fused operations keep in range longer, may have overflowed.
func overflow(got, want float64) bool {
	const near = math.MaxFloat32 / 4
	return !(math.Abs(got) < near) && !(math.Abs(want) < near)
}

func TestVectorInPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	memory := vectorMemory(rng, 200)
	for _, c := range slices.Concat(vectorCalls, updateCalls) {
		for level := cpu.Generic; level <= min(cpu.Detected(), cpu.AVX512); level++ {
			t.Run(c.name+"/"+level.String(), func(t *testing.T) {
				defer cpu.Limit(level)()
				var apart, aliased [5][]float32
				for i := range memory {
					apart[i] = append([]float32(nil), memory[i]...)
					aliased[i] = append([]float32(nil), memory[i]...)
				}
				copy(apart[0], memory[1])
				aliased[0] = aliased[1]
				x, y := c.call(apart), c.call(aliased)
				if x != y {
					t.Fatalf("%v in place, %v apart", y, x)
				}
				for k := range apart[0] {
					if !same(float64(aliased[0][k]), float64(apart[0][k]), 0) {
						t.Fatalf("element %d is %v in place, %v apart", k, aliased[0][k], apart[0][k])
					}
				}
			})
		}
	}
}

// Gradients of 0 on a state of 0 move nothing, even where a root is divided by that nothing is added to.
func TestUpdatesOfZero(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, c := range []struct {
			name string
			step func(w, g, a, b []float32)
		}{
			{"adam", func(w, g, a, b []float32) {
				Adam[float32]{LR: 1, Shrink: 1, Rate1: 1, Rate2: 1, Unroot: 1}.Step(w, g, a, b, nil)
			}},
			{"rmsprop", func(w, g, a, b []float32) { RMSProp[float32]{LR: 1, Rate: 1}.Step(w, g, a, b, nil) }},
			{"root-free", func(w, g, a, b []float32) { RootFree[float32]{LR: 1, Rate: 1}.Step(w, g, a, b) }},
		} {
			w := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
			before := slices.Clone(w)
			c.step(w, make([]float32, len(w)), make([]float32, len(w)), make([]float32, len(w)))
			if !slices.Equal(w, before) {
				t.Errorf("%s makes %v of %v", c.name, w, before)
			}
		}
	})
}

// A NaN anywhere reaches the maximum, and rows of softmax without a finite element do not trip.
func TestMaxAndShiftOfSpecials(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		for n := 1; n < 150; n++ {
			for at := range n {
				x := make([]float32, n)
				x[at] = nan
				if at+1 < n {
					x[at+1] = inf
				}
				if got := Max(x); got == got {
					t.Fatalf("the largest of %d elements, NaN at %d, is %v", n, at, got)
				}
				x[at] = 7
				if at+1 < n {
					x[at+1] = -inf
				}
				if got := Max(x); got != 7 {
					t.Fatalf("the largest of %d elements, at %d, is %v, not 7", n, at, got)
				}
			}
			x := make([]float32, n)
			for i := range x {
				x[i] = -inf
			}
			if got := Max(x); got != -inf {
				t.Fatalf("the largest of %d times -Inf is %v", n, got)
			}
			if got := ExpShiftSum(x, x, 5); got != 0 {
				t.Fatalf("the sum of %d times exp(-Inf) is %v", n, got)
			}
		}
		if got := Max(nil); got != -inf {
			t.Fatalf("the largest of nothing is %v", got)
		}
	})
}

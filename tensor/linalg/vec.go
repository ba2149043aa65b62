package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

//go:generate go -C _asm run ./vec -out ..

// Vector functions work on the first len(dst) elements of their other slices, or of the first slice where there is no
// dst; shorter slices panic. dst may be one of the other slices, but must not overlap one at another place. Results are
// the same bits whenever the instruction set is the same; those of two instruction sets differ by rounding.

// variants are the implementations of one function; the portable one is the judge of the others.
type variants[F any] [cpu.AVX512 + 1]F

func (v *variants[F]) now() F { return v[min(cpu.Current(), cpu.AVX512)] }

// block bounds the elements of one call of assembly, which cannot be preempted, to a few dozen microseconds.
const block = 1 << 14

type (
	map1    = variants[func(dst, x []float32)]
	map2    = variants[func(dst, x, y []float32)]
	mapA    = variants[func(dst, x []float32, a float32)]
	reducer = variants[func(x []float32) float32]
)

func run1(v *map1, dst, x []float32) {
	f, x := v.now(), x[:len(dst)]
	for len(dst) > block {
		f(dst[:block], x[:block])
		dst, x = dst[block:], x[block:]
	}
	f(dst, x)
}

func run2(v *map2, dst, x, y []float32) {
	f, x, y := v.now(), x[:len(dst)], y[:len(dst)]
	for len(dst) > block {
		f(dst[:block], x[:block], y[:block])
		dst, x, y = dst[block:], x[block:], y[block:]
	}
	f(dst, x, y)
}

func runA(v *mapA, dst, x []float32, a float32) {
	f, x := v.now(), x[:len(dst)]
	for len(dst) > block {
		f(dst[:block], x[:block], a)
		dst, x = dst[block:], x[block:]
	}
	f(dst, x, a)
}

// blocks adds up f over blocks of [0, n), in float64, in order.
func blocks(n int, f func(lo, hi int) float64) float64 {
	total := 0.0
	for lo := 0; lo < n; lo += block {
		total += f(lo, min(lo+block, n))
	}
	return total
}

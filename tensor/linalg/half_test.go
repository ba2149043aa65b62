package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// allLevels runs a test with every instruction set there is here.
func allLevels(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		t.Run(level.String(), func(t *testing.T) {
			defer cpu.Limit(level)()
			test(t)
		})
	}
}

// nearest is the bf16 next to v, found by distance.
func nearest(v float32) uint16 {
	lower := uint16(math.Float32bits(v) >> 16) // towards 0
	if v != v {
		return lower | 0x40
	}
	distance := func(h uint16) float64 {
		if h&0x7fff == 0x7f80 { // as if the exponent went on
			return math.Abs(math.Copysign(0x1p128, float64(v)) - float64(v))
		}
		return math.Abs(float64(widenOne(h)) - float64(v))
	}
	if math.IsInf(float64(v), 0) {
		return lower
	}
	switch down, up := distance(lower), distance(lower+1); {
	case down < up, down == up && lower&1 == 0:
		return lower
	}
	return lower + 1
}

// Random bits of all kinds, and those at the borders of rounding.
func TestNarrow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var src []float32
	for _, high := range []uint32{0, 1, 0x7f, 0x80, 0x3f80, 0x3f81, 0x7f7f, 0x7f80, 0x7f81, 0x7fbf, 0x7fc0, 0x7fff} {
		for _, low := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
			src = append(src, math.Float32frombits(high<<16|low), math.Float32frombits(1<<31|high<<16|low))
		}
	}
	for range 1 << 16 {
		src = append(src, math.Float32frombits(rng.Uint32()))
	}
	for range 1000 {
		src = append(src, math.Float32frombits(rng.Uint32()&0x807fffff)) // subnormal
	}
	allLevels(t, func(t *testing.T) {
		dst := make([]uint16, len(src))
		Narrow(dst, src)
		for i, v := range src {
			if want := nearest(v); dst[i] != want {
				t.Fatalf("%v (%#08x) becomes %#04x, want %#04x", v, math.Float32bits(v), dst[i], want)
			}
		}
	})
}

// Every length and start, and nothing written behind the end.
func TestHalfConversionEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	wide, even, odd := random(rng, 200), randomHalf(rng, 200), randomHalf(rng, 200)
	const mark = 0xabcd
	allLevels(t, func(t *testing.T) {
		for n := range 100 {
			for _, start := range []int{0, 1, 3, 15} {
				dst, dst32 := make([]uint16, 230), make([]float32, 230)
				for i := range dst {
					dst[i], dst32[i] = mark, mark
				}
				Narrow(dst[start:], wide[start:][:n])
				Widen(dst32[start:], even[start:][:n])
				for i := range dst {
					want, want32 := uint16(mark), float32(mark)
					if i >= start && i < start+n {
						want, want32 = nearest(wide[i]), math.Float32frombits(uint32(even[i])<<16)
					}
					if dst[i] != want || math.Float32bits(dst32[i]) != math.Float32bits(want32) {
						t.Fatalf("%d elements from %d, element %d is %#x and %v, want %#x and %v", n, start, i, dst[i], dst32[i], want, want32)
					}
				}
				for i := range dst {
					dst[i] = mark
				}
				Pair(dst[start:], even[start:][:n], odd[start+1:][:n])
				for i := range dst {
					want := uint16(mark)
					if at := i - start; at >= 0 && at < 2*n {
						want = []uint16{even[start+at/2], odd[start+1+at/2]}[at%2]
					}
					if dst[i] != want {
						t.Fatalf("%d pairs from %d, element %d is %#x, want %#x", n, start, i, dst[i], want)
					}
				}
			}
		}
	})
}

func TestWidenEveryNumber(t *testing.T) {
	src, dst := make([]uint16, 1<<16), make([]float32, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	allLevels(t, func(t *testing.T) {
		Widen(dst, src)
		for i, v := range dst {
			if math.Float32bits(v) != uint32(i)<<16 {
				t.Fatalf("%#04x becomes %#08x", i, math.Float32bits(v))
			}
		}
	})
}

func randomHalf(rng *rand.Rand, n int) []uint16 {
	x := make([]uint16, n)
	for i := range x {
		x[i] = narrowOne(float32(rng.NormFloat64()))
	}
	return x
}

func BenchmarkHalfConversion(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{28, 4096, 1 << 22} {
		wide, half, other, pairs := random(rng, n), randomHalf(rng, n), randomHalf(rng, n), make([]uint16, 2*n)
		for level := cpu.Generic; level <= min(cpu.Detected(), cpu.AVX512); level++ {
			for name, run := range map[string]func(){
				"narrow": func() { Narrow(half, wide) }, "widen": func() { Widen(wide, half) }, "pair": func() { Pair(pairs, half, other) },
			} {
				b.Run(fmt.Sprint(name, "/", n, "/", level), func(b *testing.B) {
					defer cpu.Limit(level)()
					b.SetBytes(int64(6 * n))
					for b.Loop() {
						run()
					}
				})
			}
		}
	}
}

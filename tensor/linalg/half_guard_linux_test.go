package linalg

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// guarded is memory for n elements that ends where the next page cannot be touched.
func guarded[E uint16 | float32](t *testing.T, n int) []E {
	var e E
	size, page := n*int(unsafe.Sizeof(e)), syscall.Getpagesize()
	whole := roundUp(size, page)
	mem, err := syscall.Mmap(-1, 0, whole+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[whole:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&mem[whole-size])), n)
}

func guard[E uint16 | float32](t *testing.T, x []E) []E {
	g := guarded[E](t, len(x))
	copy(g, x)
	return g
}

// Rows and columns that do not count need no memory.
func TestHalfTileReadsNothingBeyond(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 8))
		for range 200 {
			tile := tileOf(rng, 1+rng.IntN(HalfRows), 1+rng.IntN(100), 16<<rng.IntN(2), 1+rng.IntN(3))
			tile.A, tile.B, tile.C = guard(t, tile.A), guard(t, tile.B), guard(t, tile.C)
			checkTile(t, tile)
		}
	})
}

func TestHalfGemmReadsNothingBeyond(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 9))
		for range 60 {
			m, n, k := 1+rng.IntN(70), 1+rng.IntN(70), 1+rng.IntN(90)
			mat := func(rows, cols int) HalfMat {
				h := layHalf(rng, layouts[rng.IntN(len(layouts))], rows, cols, rng.IntN(2) == 0)
				if h.BF16 != nil {
					h.BF16 = guard(t, h.BF16)
				} else {
					h.F32 = guard(t, h.F32)
				}
				return h
			}
			g := HalfCall{A: mat(m, k), B: mat(k, n), C: mat(m, n), Alpha: 1}
			g.Run(nil, nil)
		}
	})
}

func TestHalfConversionsReadNothingBeyond(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		for n := range 70 {
			wide, half, pairs := guarded[float32](t, n), guarded[uint16](t, n), guarded[uint16](t, 2*n)
			Narrow(half, wide)
			Widen(wide, half)
			Pair(pairs, half, half)
		}
	})
}

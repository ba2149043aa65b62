package linalg

import (
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// TestTileMaps compares the kernels with their portable twin, also for vectors that are cut, and sees that nothing else is
// written.
func TestTileMaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for m := range lines {
		in, out := len(lines[m][0]), len(lines[m])
		for _, n := range []int{1, 13, 16, 40} {
			const count, planes, guard = 3, 2, 12345
			src, dst := make([]float32, planes*in*in*count*n), make([]float32, planes*out*out*count*n+7)
			for i := range src {
				src[i] = float32(rng.IntN(200) - 100)
			}
			for i := range dst {
				dst[i] = guard
			}
			// Sources are turned around, and tiles lie inside of the rows.
			call := Tiles{Src: src, From: (in*in - 1) * count * n, SrcRow: -in * count * n, SrcCol: Columns(-count * n), SrcTile: n,
				SrcPlane: in * in * count * n, Dst: dst, DstRow: out * count * n, DstCol: count * n, DstTile: n,
				DstPlane: out * out * count * n, N: n, Count: count, Planes: planes}
			want := append([]float32(nil), dst...)
			twin := call
			twin.Dst = want
			twin.generic(TileMap(m))
			for level := cpu.Generic; level <= cpu.Detected(); level++ {
				restore := cpu.Limit(level)
				call.Run(TileMap(m))
				restore()
				for i := range want {
					if dst[i] != want[i] {
						t.Fatalf("map %d, %d elements, %v: element %d is %v, want %v", m, n, level, i, dst[i], want[i])
					}
				}
			}
		}
	}
}

// TestWinograd puts the maps together to a convolution of one tile, whose numbers are whole: nothing rounds.
func TestWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(2 * (rng.IntN(40) - 20))
		}
		return x
	}
	d, g, dy := fill(16), fill(9), fill(4)
	apply := func(m TileMap, src []float32) []float32 {
		in, out := len(lines[m][0]), len(lines[m])
		dst := make([]float32, out*out)
		call := Tiles{Src: src, SrcRow: in, SrcCol: Columns(1), Dst: dst, DstRow: out, DstCol: 1, N: 1, Count: 1, Planes: 1}
		call.Run(m)
		return dst
	}
	product := func(a, b []float32) []float32 {
		c := make([]float32, len(a))
		for i := range c {
			c[i] = a[i] * b[i]
		}
		return c
	}
	y := apply(WinogradOutput, product(apply(WinogradFilter, g), apply(WinogradInput, d)))
	dg := apply(WinogradFilterGrad, product(apply(WinogradOutputGrad, dy), apply(WinogradInput, d)))
	for i := range 2 {
		for j := range 2 {
			want := float32(0)
			for r := range 3 {
				for s := range 3 {
					want += g[3*r+s] * d[4*(i+r)+j+s]
				}
			}
			if got := y[2*i+j]; got != want {
				t.Errorf("output %d,%d is %v, want %v", i, j, got, want)
			}
		}
	}
	for r := range 3 {
		for s := range 3 {
			want := float32(0)
			for i := range 2 {
				for j := range 2 {
					want += dy[2*i+j] * d[4*(i+r)+j+s]
				}
			}
			if got := dg[3*r+s]; got != want {
				t.Errorf("gradient %d,%d is %v, want %v", r, s, got, want)
			}
		}
	}
}

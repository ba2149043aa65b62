package linalg

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// packer writes blocks of a matrix, whose rows are the lanes, one element at a time as its contract says.
func packer(m Mat, width int, batch Batch) Packer {
	return func(dst []float32, product, k0, k1, i0, i1 int) {
		lanes, steps := roundUp(i1-i0, width), k1-k0
		if i0%width != 0 || len(dst) != lanes*steps {
			panic(fmt.Sprintf("packer asked for lanes %d to %d with room for %d", i0, i1, len(dst)))
		}
		for lane := range lanes {
			for k := range steps {
				at := lane/width*width*steps + k*width + lane%width
				dst[at] = 0
				if i := i0 + lane; i < i1 {
					dst[at] = m.Data[batch.offset(product)+i*m.RowStride+(k0+k)*m.ColStride]
				}
			}
		}
	}
}

func TestGemmPackers(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		mr, nr := Tile()
		for _, shape := range [][4]int{{1, 20, 30, 10}, {1, 150, 200, 150}, {1, 200, 150, 150}, {1, 9, 33, 4100}, {5, 40, 50, 60}} {
			count, m, n, k := shape[0], shape[1], shape[2], shape[3]
			for which := 1; which <= 3; which++ {
				t.Run(fmt.Sprint(shape, which), func(t *testing.T) {
					g := GemmCall{A: RowMajor(random(rng, count*m*k), m, k), B: RowMajor(random(rng, count*k*n), k, n),
						C: RowMajor(make([]float32, count*m*n), m, n), Alpha: 1, Count: count,
						ABatch: Batch{Stride: m * k}, BBatch: Batch{Stride: k * n}, CBatch: Batch{Stride: m * n}}
					if which&1 != 0 {
						g.PackA = packer(g.A, mr, g.ABatch)
					}
					if which&2 != 0 {
						g.PackB = packer(g.B.T(), nr, g.BBatch)
					}
					verify(t, g)
				})
			}
		}
	})
}

// Every way to pack gives the strips that the packer of the test gives, and writes nothing behind them.
func TestPackStrips(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(19, 20))
		kern := currentKernel()
		for _, width := range []int{kern.mr, kern.nr} {
			for _, layout := range layouts {
				for _, lanes := range []int{1, 5, 6, 7, 8, 13, 14, 15, 16, 17, 31, 32, 33, 65} {
					for _, steps := range []int{1, 7, 8, 9, 15, 16, 17, 40} {
						m := layOut(rng, layout, width+lanes, steps+3)
						n := roundUp(lanes, width) * steps
						want, got := make([]float32, n), random(rng, n+32)
						behind := append([]float32(nil), got[n:]...)
						packer(m, width, Batch{})(want, 0, 2, steps+2, width, width+lanes)
						packStrips(kern, got[:n], width, m.Data, m.RowStride, m.ColStride, 2, steps+2, width, width+lanes)
						for i, x := range append(want, behind...) {
							if got[i] != x {
								t.Fatalf("%s, %d lanes in strips of %d, %d steps: element %d is %v, want %v", layout, lanes, width, steps, i, got[i], x)
							}
						}
					}
				}
			}
		}
	})
}

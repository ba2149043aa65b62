package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

func TestGemmLayouts(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, shape := range [][3]int{{1, 1, 1}, {5, 7, 3}, {33, 45, 70}, {61, 90, 260}} {
			for _, la := range layouts {
				for _, lb := range layouts {
					for _, lc := range layouts {
						t.Run(fmt.Sprint(shape, la, lb, lc), func(t *testing.T) {
							m, n, k := shape[0], shape[1], shape[2]
							verify(t, GemmCall{A: layOut(rng, la, m, k), B: layOut(rng, lb, k, n), C: layOut(rng, lc, m, n), Alpha: 0.5, Beta: -2})
						})
					}
				}
			}
		}
	})
}

func TestGemmEdges(t *testing.T) {
	sizes := []int{1, 2, 13, 14, 15, 31, 32, 33, 100, 257}
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, m := range sizes {
			for _, n := range sizes {
				k := sizes[rng.IntN(len(sizes))]
				t.Run(fmt.Sprint(m, n, k), func(t *testing.T) {
					la, lb := layouts[rng.IntN(len(layouts))], layouts[rng.IntN(len(layouts))]
					verify(t, GemmCall{A: layOut(rng, la, m, k), B: layOut(rng, lb, k, n), C: layOut(rng, "padded", m, n), Alpha: 1, Beta: 1})
				})
			}
		}
	})
}

// The shapes reach every way of cutting a product: shared left and right, several sections and blocks, split k.
func TestGemmPlans(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, shape := range [][3]int{{300, 60, 260}, {60, 300, 260}, {1200, 1100, 3}, {1030, 1300, 3}, {20, 40, 9000}, {1, 1, 5000},
			{7, 33, 4097}, {0, 5, 3}, {5, 0, 3}, {4, 5, 0}} {
			m, n, k := shape[0], shape[1], shape[2]
			t.Run(fmt.Sprint(shape), func(t *testing.T) {
				verify(t, GemmCall{A: layOut(rng, "rows", m, k), B: layOut(rng, "columns", k, n), C: layOut(rng, "rows", m, n), Alpha: 2, Beta: 0.5,
					Epilogue: Epilogue{RowBias: random(rng, m), Relu: true}})
			})
		}
	})
}

// The shared operand may be packed for any number of blocks at once.
func TestGemmSharedInParts(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(17, 18))
		for _, shape := range [][3]int{{150, 100, 700}, {100, 150, 700}} {
			m, n, k := shape[0], shape[1], shape[2]
			g := GemmCall{A: layOut(rng, "rows", m, k), B: layOut(rng, "rows", k, n), C: layOut(rng, "rows", m, n), Alpha: 1,
				Epilogue: Epilogue{ColBias: random(rng, n), Relu: true}}
			g.Run(nil, nil)
			whole := append([]float32(nil), g.C.Data...)
			pl := planGemm(currentKernel(), 1, m, n, k)
			pl.sharedK = pl.kb
			g.execute(pl, nil, nil)
			for i := range whole {
				if math.Float32bits(whole[i]) != math.Float32bits(g.C.Data[i]) {
					t.Fatalf("%v: element %d is %v in parts, %v in one", shape, i, g.C.Data[i], whole[i])
				}
			}
		}
	})
}

func TestGemmEpilogue(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, shape := range [][3]int{{17, 39, 20}, {47, 40, 300}, {140, 130, 120}, {9, 5, 4100}} {
			m, n, k := shape[0], shape[1], shape[2]
			row, col := random(rng, m), random(rng, n)
			for _, e := range []Epilogue{{}, {RowBias: row}, {ColBias: col}, {Relu: true}, {RowBias: row, ColBias: col, Relu: true}} {
				for _, beta := range []float32{0, 0.25} {
					for _, lc := range []string{"rows", "strided"} {
						t.Run(fmt.Sprint(shape, e.RowBias != nil, e.ColBias != nil, e.Relu, beta, lc), func(t *testing.T) {
							verify(t, GemmCall{A: layOut(rng, "rows", m, k), B: layOut(rng, "rows", k, n), C: layOut(rng, lc, m, n), Alpha: 1, Beta: beta, Epilogue: e})
						})
					}
				}
			}
		}
	})
}

func TestGemmBetaZeroOverNaN(t *testing.T) {
	nan := float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, shape := range [][3]int{{3, 4, 5}, {65, 70, 300}, {300, 200, 100}, {8, 8, 5000}, {4, 4, 0}} {
			m, n, k := shape[0], shape[1], shape[2]
			for _, lc := range layouts {
				c := layOut(rng, lc, m, n)
				for i := range c.Data {
					c.Data[i] = nan
				}
				verify(t, GemmCall{A: layOut(rng, "rows", m, k), B: layOut(rng, "rows", k, n), C: c, Alpha: 1})
			}
		}
	})
}

// NaN and infinities come through: no skipping of zeros, no lost NaN in Relu.
func TestGemmKeepsNaN(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		a, b, c := make([]float32, 20*5), make([]float32, 5*40), make([]float32, 20*40)
		b[7] = float32(math.NaN())
		b[8] = float32(math.Inf(1))
		call := GemmCall{A: RowMajor(a, 20, 5), B: RowMajor(b, 5, 40), C: RowMajor(c, 20, 40), Alpha: 1, Epilogue: Epilogue{Relu: true}}
		call.Run(nil, nil)
		for i := range 20 {
			for j := range 40 {
				if got, want := c[i*40+j] != c[i*40+j], j == 7 || j == 8; got != want {
					t.Fatalf("C[%d,%d] is %v", i, j, c[i*40+j])
				}
			}
		}
	})
}

func TestGemmBatch(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, shape := range [][4]int{{3, 20, 30, 10}, {12, 70, 33, 90}, {2, 300, 300, 380}, {2, 10, 10, 5000}} {
			count, m, n, k := shape[0], shape[1], shape[2], shape[3]
			for _, transposed := range []bool{false, true} {
				t.Run(fmt.Sprint(shape, transposed), func(t *testing.T) {
					g := GemmCall{A: RowMajor(random(rng, count*m*k), m, k), B: RowMajor(random(rng, count*k*n), k, n),
						C: RowMajor(random(rng, count*m*n), m, n), Alpha: 1, Beta: 1, Count: count,
						ABatch: Batch{Stride: m * k}, BBatch: Batch{Offsets: make([]int, count)}, CBatch: Batch{Stride: m * n}}
					for i := range count {
						g.BBatch.Offsets[i] = (count - 1 - i) * k * n
					}
					if transposed {
						g.A = RowMajor(g.A.Data, k, m).T()
						g.B = RowMajor(g.B.Data, n, k).T()
					}
					verify(t, g)
				})
			}
		}
	})
}

func TestGemmDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, shape := range [][3]int{{8, 8, 8}, {200, 160, 130}, {16, 16, 5000}, {1, 300, 300}, {300, 1, 300}} {
		m, n, k := shape[0], shape[1], shape[2]
		p := par.New(2)
		a, b, c := random(rng, m*k), random(rng, k*n), random(rng, m*n)
		work := make([]float32, GemmWork(m, n, k, p.Threads()))
		if got := testing.AllocsPerRun(10, func() { Gemm(p, 1, RowMajor(a, m, k), RowMajor(b, k, n), 0, RowMajor(c, m, n), work) }); got != 0 {
			t.Errorf("%v: %v allocations", shape, got)
		}
		p.Close()
	}
}

func TestGemmRefusesWrongShapes(t *testing.T) {
	x := make([]float32, 100)
	for name, g := range map[string]GemmCall{
		"inner":     {A: RowMajor(x, 3, 4), B: RowMajor(x, 5, 6), C: RowMajor(x, 3, 6)},
		"outer":     {A: RowMajor(x, 3, 4), B: RowMajor(x, 4, 6), C: RowMajor(x, 4, 6)},
		"short A":   {A: RowMajor(x, 30, 4), B: RowMajor(x, 4, 1), C: RowMajor(x, 30, 1)},
		"short C":   {A: RowMajor(x, 20, 4), B: RowMajor(x, 4, 20), C: RowMajor(x, 20, 20)},
		"stride":    {A: Mat{Data: x, Rows: 2, Cols: 2, RowStride: -1}, B: RowMajor(x, 2, 2), C: RowMajor(x, 2, 2)},
		"bias":      {A: RowMajor(x, 3, 4), B: RowMajor(x, 4, 6), C: RowMajor(x, 3, 6), Epilogue: Epilogue{ColBias: x[:5]}},
		"batch end": {A: RowMajor(x, 3, 4), B: RowMajor(x, 4, 6), C: RowMajor(x, 3, 6), Count: 3, ABatch: Batch{Stride: 50}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			g.Run(nil, nil)
		})
	}
}

package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// layHalf lays a matrix out as layOut does, in bf16 where half is set.
func layHalf(rng *rand.Rand, layout string, rows, cols int, half bool) HalfMat {
	m := layOut(rng, layout, rows, cols).Half()
	if half {
		m.BF16, m.F32 = make([]uint16, len(m.F32)), nil
		for i := range m.BF16 {
			m.BF16[i] = narrowOne(float32(rng.NormFloat64()))
		}
	}
	return m
}

// at is element (i, j), rounded to bf16 as operands are if round is set.
func (m *HalfMat) at(offset, i, j int, round bool) float64 {
	at := offset + i*m.RowStride + j*m.ColStride
	switch {
	case m.BF16 != nil:
		return float64(widenOne(m.BF16[at]))
	case round:
		return float64(widenOne(narrowOne(m.F32[at])))
	}
	return float64(m.F32[at])
}

func (m *HalfMat) clone() HalfMat {
	c := *m
	c.F32, c.BF16 = append([]float32(nil), m.F32...), append([]uint16(nil), m.BF16...)
	return c
}

// bitsAt is element at of the data.
func (m *HalfMat) bitsAt(at int) uint32 {
	if m.BF16 != nil {
		return uint32(m.BF16[at])
	}
	return math.Float32bits(m.F32[at])
}

// halfReference is one product of the rounded operands in float64 and the sums of the absolute values of the terms.
func halfReference(g *HalfCall, c0 *HalfMat, batch int) (want, size []float64) {
	m, n, k := g.C.Rows, g.C.Cols, g.A.Cols
	want, size = make([]float64, m*n), make([]float64, m*n)
	b := make([]float64, k*n)
	for p := range k {
		for j := range n {
			b[p*n+j] = g.B.at(g.BBatch.offset(batch), p, j, true)
		}
	}
	add := func(at int, term float64) { want[at] += term; size[at] += math.Abs(term) }
	for i := range m {
		for p := range k {
			x, row := float64(g.Alpha)*g.A.at(g.ABatch.offset(batch), i, p, true), b[p*n:][:n]
			sums, sizes := want[i*n:][:n], size[i*n:][:n]
			for j, y := range row {
				sums[j] += x * y
				sizes[j] += math.Abs(x * y)
			}
		}
		for j := range n {
			at := i*n + j
			if g.Beta != 0 {
				add(at, float64(g.Beta)*c0.at(g.CBatch.offset(batch), i, j, false))
			}
			if g.Epilogue.RowBias != nil {
				add(at, float64(g.Epilogue.RowBias[i]))
			}
			if g.Epilogue.ColBias != nil {
				add(at, float64(g.Epilogue.ColBias[j]))
			}
			if g.Epilogue.Relu {
				want[at] = max(want[at], 0)
			}
		}
	}
	return want, size
}

// verifyHalf is verify for products in bf16.
func verifyHalf(t *testing.T, g HalfCall) {
	t.Helper()
	c0 := g.C.clone()
	g.Run(nil, nil)
	touched := make([]bool, max(len(c0.F32), len(c0.BF16)))
	for batch := range max(g.Count, 1) {
		want, size := halfReference(&g, &c0, batch)
		for i := range g.C.Rows {
			for j := range g.C.Cols {
				x := i*g.C.Cols + j
				offset := g.CBatch.offset(batch)
				touched[offset+i*g.C.RowStride+j*g.C.ColStride] = true
				tol := tolerance(g.A.Cols) * size[x]
				if g.C.BF16 != nil {
					tol += math.Abs(want[x])*0x1p-8 + tol*0x1p-7
				}
				if got := g.C.at(offset, i, j, false); !(math.Abs(got-want[x]) <= tol) {
					t.Fatalf("product %d, C[%d,%d] is %v, want %v ± %v", batch, i, j, got, want[x], tol)
				}
			}
		}
	}
	for at := range touched {
		if !touched[at] && c0.bitsAt(at) != g.C.bitsAt(at) {
			t.Fatalf("element %d is not in C and was written", at)
		}
	}
	one := g.C
	for threads := 2; threads <= 3; threads++ {
		p := par.New(threads)
		g.C = c0.clone()
		g.Run(p, make([]float32, g.Work(threads)))
		p.Close()
		sameBits(t, fmt.Sprint(threads, " threads"), &g.C, &one)
	}
}

func sameBits(t *testing.T, what string, got, want *HalfMat) {
	t.Helper()
	for at := range max(len(got.F32), len(got.BF16)) {
		if got.bitsAt(at) != want.bitsAt(at) {
			t.Fatalf("%s: element %d is %#x, not %#x", what, at, got.bitsAt(at), want.bitsAt(at))
		}
	}
}

func TestHalfGemmLayouts(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, shape := range [][3]int{{1, 1, 1}, {5, 7, 3}, {33, 45, 70}, {40, 37, 260}} {
			for _, la := range layouts {
				for _, lb := range layouts {
					for _, lc := range layouts {
						half := rng.IntN(8)
						t.Run(fmt.Sprint(shape, la, lb, lc, half), func(t *testing.T) {
							m, n, k := shape[0], shape[1], shape[2]
							verifyHalf(t, HalfCall{A: layHalf(rng, la, m, k, half&1 != 0), B: layHalf(rng, lb, k, n, half&2 != 0),
								C: layHalf(rng, lc, m, n, half&4 != 0), Alpha: 0.5, Beta: -2})
						})
					}
				}
			}
		}
	})
}

func TestHalfGemmEdges(t *testing.T) {
	sizes := []int{1, 2, 15, 16, 17, 31, 32, 33, 100, 257}
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, m := range sizes {
			for _, n := range sizes {
				k := sizes[rng.IntN(len(sizes))]
				t.Run(fmt.Sprint(m, n, k), func(t *testing.T) {
					la, lb := layouts[rng.IntN(len(layouts))], layouts[rng.IntN(len(layouts))]
					verifyHalf(t, HalfCall{A: layHalf(rng, la, m, k, rng.IntN(2) == 0), B: layHalf(rng, lb, k, n, rng.IntN(2) == 0),
						C: layHalf(rng, "padded", m, n, rng.IntN(2) == 0), Alpha: 1, Beta: float32(rng.IntN(2))})
				})
			}
		}
	})
}

// The shapes reach every way of cutting a product: shared left and right, several sections and parts, split k.
func TestHalfGemmPlans(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, shape := range [][3]int{{300, 160, 260}, {160, 300, 260}, {1300, 700, 6}, {700, 1300, 6}, {20, 40, 9000}, {1, 1, 5000},
			{7, 33, 4097}, {0, 5, 3}, {5, 0, 3}, {4, 5, 0}, {400, 500, 0}} {
			m, n, k := shape[0], shape[1], shape[2]
			half := rng.IntN(8)
			t.Run(fmt.Sprint(shape, half), func(t *testing.T) {
				verifyHalf(t, HalfCall{A: layHalf(rng, "rows", m, k, half&1 != 0), B: layHalf(rng, "columns", k, n, half&2 != 0),
					C: layHalf(rng, "rows", m, n, half&4 != 0), Alpha: 2, Beta: 0.5, Epilogue: Epilogue{RowBias: random(rng, m), Relu: true}})
			})
		}
	})
}

// Operands may be packed for any number of blocks at once, and sums wait in C or beside it.
func TestHalfGemmInParts(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(17, 18))
		for _, shape := range [][3]int{{190, 170, 700}, {170, 190, 700}} {
			for _, half := range []bool{false, true} {
				m, n, k := shape[0], shape[1], shape[2]
				g := HalfCall{A: layHalf(rng, "columns", m, k, half), B: layHalf(rng, "rows", k, n, half), C: layHalf(rng, "rows", m, n, half), Alpha: 3,
					Epilogue: Epilogue{ColBias: random(rng, n), Relu: true}}
				g.Run(nil, nil)
				whole := g.C.clone()
				pl := planHalf(1, m, n, k)
				if pl.shared == sharedNone {
					t.Fatalf("%v: nothing is shared", shape)
				}
				for _, pl.part = range []int{halfBlock, 2 * halfBlock} {
					g.execute(pl, nil, nil)
					sameBits(t, fmt.Sprint(shape, half, pl.part), &g.C, &whole)
				}
			}
		}
	})
}

func TestHalfGemmEpilogue(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, shape := range [][3]int{{17, 39, 20}, {47, 40, 300}, {200, 190, 120}, {9, 5, 4100}} {
			m, n, k := shape[0], shape[1], shape[2]
			row, col := random(rng, m), random(rng, n)
			for _, e := range []Epilogue{{}, {RowBias: row}, {ColBias: col}, {Relu: true}, {RowBias: row, ColBias: col, Relu: true}} {
				for _, beta := range []float32{0, 1, 0.25} {
					for _, lc := range []string{"rows", "strided"} {
						half := rng.IntN(2) == 0
						t.Run(fmt.Sprint(shape, e.RowBias != nil, e.ColBias != nil, e.Relu, beta, lc, half), func(t *testing.T) {
							verifyHalf(t, HalfCall{A: layHalf(rng, "rows", m, k, true), B: layHalf(rng, "rows", k, n, true), C: layHalf(rng, lc, m, n, half),
								Alpha: 1, Beta: beta, Epilogue: e})
						})
					}
				}
			}
		}
	})
}

func TestHalfGemmBetaZeroOverNaN(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, shape := range [][3]int{{3, 4, 5}, {65, 70, 300}, {300, 200, 100}, {8, 8, 5000}, {4, 4, 0}} {
			m, n, k := shape[0], shape[1], shape[2]
			for _, lc := range layouts {
				c := layHalf(rng, lc, m, n, rng.IntN(2) == 0)
				for i := range c.F32 {
					c.F32[i] = float32(math.NaN())
				}
				for i := range c.BF16 {
					c.BF16[i] = 0x7fc0
				}
				verifyHalf(t, HalfCall{A: layHalf(rng, "rows", m, k, false), B: layHalf(rng, "rows", k, n, false), C: c, Alpha: 1})
			}
		}
	})
}

// NaN and infinities come through: no skipping of zeros, no lost NaN in Relu; scratch that holds NaN does not.
func TestHalfGemmKeepsNaN(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		a, b, c := make([]float32, 20*5), make([]float32, 5*40), make([]float32, 20*40)
		b[7] = float32(math.NaN())
		b[8] = float32(math.Inf(1))
		call := HalfCall{A: RowMajor(a, 20, 5).Half(), B: RowMajor(b, 5, 40).Half(), C: RowMajor(c, 20, 40).Half(), Alpha: 1, Epilogue: Epilogue{Relu: true}}
		work := make([]float32, call.Work(1))
		for i := range work {
			work[i] = float32(math.NaN())
		}
		call.Run(nil, work)
		for i := range 20 {
			for j := range 40 {
				if got, want := c[i*40+j] != c[i*40+j], j == 7 || j == 8; got != want {
					t.Fatalf("C[%d,%d] is %v", i, j, c[i*40+j])
				}
			}
		}
	})
}

func TestHalfGemmBatch(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, shape := range [][4]int{{3, 20, 30, 10}, {12, 70, 33, 90}, {2, 180, 150, 170}, {2, 10, 10, 5000}} {
			count, m, n, k := shape[0], shape[1], shape[2], shape[3]
			for _, transposed := range []bool{false, true} {
				t.Run(fmt.Sprint(shape, transposed), func(t *testing.T) {
					g := HalfCall{A: layHalf(rng, "rows", count*m, k, true), B: layHalf(rng, "rows", count*k, n, true), C: layHalf(rng, "rows", count*m, n, true),
						Alpha: 1, Beta: 1, Count: count,
						ABatch: Batch{Stride: m * k}, BBatch: Batch{Offsets: make([]int, count)}, CBatch: Batch{Stride: m * n}}
					for i := range count {
						g.BBatch.Offsets[i] = (count - 1 - i) * k * n
					}
					g.A.Rows, g.B.Rows, g.C.Rows = m, k, m
					if transposed {
						g.A.RowStride, g.A.ColStride = 1, m
						g.B.RowStride, g.B.ColStride = 1, k
					}
					c0 := g.C.clone()
					verifyHalf(t, g)
					whole := c0.clone()
					g.C = whole
					g.Run(nil, nil)
					pl := planHalf(1, m, n, k) // as for products that are worth a plan each
					pl.count, g.C = count, c0
					g.execute(pl, nil, nil)
					if pl.segments == 1 {
						sameBits(t, "one after the other", &g.C, &whole)
					}
				})
			}
		}
	})
}

func TestHalfGemmDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	allLevels(t, func(t *testing.T) {
		for _, shape := range [][3]int{{8, 8, 8}, {200, 260, 130}, {16, 16, 5000}, {1, 300, 300}, {300, 1, 300}} {
			m, n, k := shape[0], shape[1], shape[2]
			p := par.New(2)
			for _, layout := range []string{"rows", "columns"} {
				g := HalfCall{A: layHalf(rng, layout, m, k, true), B: layHalf(rng, layout, k, n, false), C: layHalf(rng, "rows", m, n, true), Alpha: 1}
				work := make([]float32, g.Work(p.Threads()))
				if got := testing.AllocsPerRun(10, func() { g.Run(p, work) }); got != 0 {
					t.Errorf("%v %s: %v allocations", shape, layout, got)
				}
			}
			p.Close()
		}
	})
}

func TestHalfGemmRefusesWrongShapes(t *testing.T) {
	x := make([]float32, 100)
	mat := func(rows, cols int) HalfMat { return RowMajor(x, rows, cols).Half() }
	for name, g := range map[string]HalfCall{
		"inner":     {A: mat(3, 4), B: mat(5, 6), C: mat(3, 6)},
		"outer":     {A: mat(3, 4), B: mat(4, 6), C: mat(4, 6)},
		"short A":   {A: mat(30, 4), B: mat(4, 1), C: mat(30, 1)},
		"short C":   {A: mat(20, 4), B: mat(4, 20), C: mat(20, 20)},
		"bias":      {A: mat(3, 4), B: mat(4, 6), C: mat(3, 6), Epilogue: Epilogue{ColBias: x[:5]}},
		"batch end": {A: mat(3, 4), B: mat(4, 6), C: mat(3, 6), Count: 3, ABatch: Batch{Stride: 50}},
		"two types": {A: HalfMat{F32: x, BF16: make([]uint16, 100), Rows: 3, Cols: 4, RowStride: 4, ColStride: 1}, B: mat(4, 6), C: mat(3, 6)},
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

package linalg

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
)

// eachLevel runs a test with every instruction set that has a kernel of its own here.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		if kernels[level] == nil {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			defer cpu.Limit(level)()
			test(t)
		})
	}
}

func random(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// layouts are the ways a matrix can lie in memory.
var layouts = []string{"rows", "columns", "padded", "strided"}

func layOut(rng *rand.Rand, layout string, rows, cols int) Mat {
	m := Mat{Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
	switch layout {
	case "columns":
		m.RowStride, m.ColStride = 1, rows
	case "padded":
		m.RowStride = cols + 5
	case "strided":
		m.RowStride, m.ColStride = 3*cols+1, 3
	}
	if rows > 0 && cols > 0 {
		m.Data = random(rng, (rows-1)*m.RowStride+(cols-1)*m.ColStride+1)
	}
	return m
}

// dense is m, from an offset on, in float64 row after row.
func dense(m Mat, offset int) []float64 {
	x := make([]float64, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		for j := range m.Cols {
			x = append(x, float64(m.Data[offset+i*m.RowStride+j*m.ColStride]))
		}
	}
	return x
}

// reference is one product in float64 and, for the tolerance, the sums of the absolute values of the terms.
func reference(g *GemmCall, c0 []float32, batch int) (want, size []float64) {
	m, n, k := g.C.Rows, g.C.Cols, g.A.Cols
	a, b := dense(g.A, g.ABatch.offset(batch)), dense(g.B, g.BBatch.offset(batch))
	want, size = make([]float64, m*n), make([]float64, m*n)
	add := func(at int, term float64) { want[at] += term; size[at] += math.Abs(term) }
	for i := range m {
		for p := range k {
			x, row := float64(g.Alpha)*a[i*k+p], b[p*n:][:n]
			sums, sizes := want[i*n:][:n], size[i*n:][:n]
			for j, y := range row {
				sums[j] += x * y
				sizes[j] += math.Abs(x * y)
			}
		}
		for j := range n {
			at := i*n + j
			if g.Beta != 0 {
				add(at, float64(g.Beta)*float64(c0[g.CBatch.offset(batch)+i*g.C.RowStride+j*g.C.ColStride]))
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

// tolerance bounds the relative error of a sum of k products, the biases and C, each rounded.
func tolerance(k int) float64 { return float64(k+8) * 0x1p-24 }

// verify runs g on one thread, checks C against the reference and that nothing beside C was written, and then
// checks that more threads give the same bits.
func verify(t *testing.T, g GemmCall) {
	t.Helper()
	c0 := append([]float32(nil), g.C.Data...)
	g.Run(nil, nil)
	touched := make([]bool, len(c0))
	for batch := range max(g.Count, 1) {
		want, size := reference(&g, c0, batch)
		for i := range g.C.Rows {
			for j := range g.C.Cols {
				x := i*g.C.Cols + j
				at := g.CBatch.offset(batch) + i*g.C.RowStride + j*g.C.ColStride
				touched[at] = true
				got := float64(g.C.Data[at])
				if tol := tolerance(g.A.Cols) * size[x]; !(math.Abs(got-want[x]) <= tol) {
					t.Fatalf("product %d, C[%d,%d] is %v, want %v ± %v", batch, i, j, got, want[x], tol)
				}
			}
		}
	}
	for at := range c0 {
		if !touched[at] && math.Float32bits(c0[at]) != math.Float32bits(g.C.Data[at]) {
			t.Fatalf("element %d is not in C and was written", at)
		}
	}
	one := g.C.Data
	for threads := 2; threads <= 3; threads++ {
		p := par.New(threads)
		g.C.Data = append([]float32(nil), c0...)
		g.Run(p, make([]float32, g.Work(threads)))
		p.Close()
		for at := range one {
			if math.Float32bits(one[at]) != math.Float32bits(g.C.Data[at]) {
				t.Fatalf("%d threads: element %d is %v, with one thread %v", threads, at, g.C.Data[at], one[at])
			}
		}
	}
}

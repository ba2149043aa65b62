package linalg

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// HalfMat is a strided view of a matrix, like Mat, of float32 or bf16: its elements are in one of F32 and BF16.
type HalfMat struct {
	F32                  []float32
	BF16                 []uint16
	Rows, Cols           int
	RowStride, ColStride int
}

// Half views a matrix of float32 as a HalfMat.
func (m Mat) Half() HalfMat {
	return HalfMat{F32: m.Data, Rows: m.Rows, Cols: m.Cols, RowStride: m.RowStride, ColStride: m.ColStride}
}

// T is the transpose of m, a view of the same data.
func (m HalfMat) T() HalfMat {
	m.Rows, m.Cols, m.RowStride, m.ColStride = m.Cols, m.Rows, m.ColStride, m.RowStride
	return m
}

func (m *HalfMat) check(name string, offset int) {
	if m.F32 != nil && m.BF16 != nil {
		panic(fmt.Sprintf("linalg: %s has elements of float32 and of bf16", name))
	}
	checkView(name, m.Rows, m.Cols, m.RowStride, m.ColStride, offset, max(len(m.F32), len(m.BF16)))
}

// HalfCall is one product, or a batch of products of one shape, like GemmCall, that is computed in bf16 and summed in
// float32:
//
//	C = Epilogue(Alpha*A*B + Beta*C)
//
// Elements of A and B that are float32 are rounded as Narrow does, sums become bf16 where C is. It may be run any number of
// times; Run allocates nothing when work is given. C must not overlap A or B. Instruction sets differ as they do for HalfTile.
type HalfCall struct {
	A, B, C HalfMat

	Alpha, Beta float32
	Epilogue    Epilogue

	// Count is the number of products, 0 meaning 1; each operand says where the next one lies.
	Count                  int
	ABatch, BBatch, CBatch Batch
}

// Work is the number of float32s of scratch that Run wants on a pool of the given number of threads. It depends on nothing but
// the shape.
func (g *HalfCall) Work(threads int) int {
	pl := planHalf(max(g.Count, 1), g.A.Rows, g.B.Cols, g.A.Cols)
	return pl.work(threads)
}

// Run computes the product with the instruction set in use now. work is scratch of Work elements: with less, Run allocates
// it.
func (g *HalfCall) Run(p *par.Pool, work []float32) {
	g.check()
	if g.C.Rows == 0 || g.C.Cols == 0 {
		return
	}
	g.execute(planHalf(max(g.Count, 1), g.A.Rows, g.B.Cols, g.A.Cols), p, work)
}

func (g *HalfCall) execute(pl halfPlan, p *par.Pool, work []float32) {
	if need := pl.work(p.Threads()); len(work) < need {
		work = make([]float32, need)
	}
	j := newHalfJob()
	j.call, j.plan, j.pool = *g, pl, p
	j.run(work)
	j.release()
}

func (g *HalfCall) check() {
	m, n, k := g.C.Rows, g.C.Cols, g.A.Cols
	if g.A.Rows != m || g.B.Rows != k || g.B.Cols != n {
		panic(fmt.Sprintf("linalg: product of %dx%d and %dx%d does not give %dx%d", g.A.Rows, k, g.B.Rows, g.B.Cols, m, n))
	}
	if e := &g.Epilogue; e.RowBias != nil && len(e.RowBias) < m || e.ColBias != nil && len(e.ColBias) < n {
		panic(fmt.Sprintf("linalg: biases of %d rows and %d columns for a product of %dx%d", len(e.RowBias), len(e.ColBias), m, n))
	}
	for i := range max(g.Count, 1) {
		g.A.check("A", g.ABatch.offset(i))
		g.B.check("B", g.BBatch.offset(i))
		g.C.check("C", g.CBatch.offset(i))
	}
}

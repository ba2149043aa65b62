package linalg

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// Gemm sets C = alpha*A*B + beta*C. Transposed and strided operands cost no copy of their own; C is fastest with
// ColStride 1. With beta 0 C is not read. work is scratch of GemmWork elements: with less, Gemm allocates it.
// C must not overlap A or B.
func Gemm(p *par.Pool, alpha float32, a, b Mat, beta float32, c Mat, work []float32) {
	call := GemmCall{A: a, B: b, C: c, Alpha: alpha, Beta: beta}
	call.Run(p, work)
}

// GemmBatch does count products: product i reads A and B and writes C at i times their batch stride, in elements.
// A batch stride of 0 uses one A or B for all; the products' C must not overlap. work is scratch of GemmBatchWork elements, as for Gemm.
func GemmBatch(p *par.Pool, count int, alpha float32, a Mat, aStride int, b Mat, bStride int, beta float32, c Mat, cStride int, work []float32) {
	if count <= 0 {
		return
	}
	call := GemmCall{A: a, B: b, C: c, Alpha: alpha, Beta: beta, Count: count,
		ABatch: Batch{Stride: aStride}, BBatch: Batch{Stride: bStride}, CBatch: Batch{Stride: cStride}}
	call.Run(p, work)
}

// GemmWork is the number of float32s of scratch that Gemm wants for an m x k by k x n product on a pool of the given
// number of threads, with the instruction set in use now.
func GemmWork(m, n, k, threads int) int { return GemmBatchWork(1, m, n, k, threads) }

// GemmBatchWork is GemmWork for count products of the same shape.
func GemmBatchWork(count, m, n, k, threads int) int {
	pl := planGemm(currentKernel(), count, m, n, k)
	return pl.work(threads)
}

// GemmCall is one product, or a batch of products of one shape:
//
//	C = Epilogue(Alpha*A*B + Beta*C)
//
// A is M x K, B is K x N, C is M x N. It may be run any number of times; Run allocates nothing when work is given.
type GemmCall struct {
	A, B, C Mat

	// PackA and PackB, when set, supply the elements of A or B, of whose Mat then only Rows and Cols count.
	PackA, PackB Packer

	Alpha, Beta float32
	Epilogue    Epilogue

	// Count is the number of products, 0 meaning 1; each operand says where the next one lies.
	Count                  int
	ABatch, BBatch, CBatch Batch
}

// Epilogue is what happens to C at the end, while it is in registers: first RowBias[i] (len M) is added to row i, then
// ColBias[j] (len N) to column j, then what is negative becomes 0. A nil bias is none. NaN passes through Relu.
type Epilogue struct {
	RowBias, ColBias []float32
	Relu             bool
}

// Batch places the products of a batch: product i starts at element Offsets[i] or, without Offsets, at i*Stride.
type Batch struct {
	Stride  int
	Offsets []int
}

func (b *Batch) offset(i int) int {
	if b.Offsets != nil {
		return b.Offsets[i]
	}
	return i * b.Stride
}

// Packer writes a block of an operand that has no strided form, such as the patches of a convolution: steps [k0, k1) of
// k for lanes [i0, i1), where lanes are rows of A or columns of B, of product number batch. The format is a sequence of
// strips of W lanes, W being mr for A and nr for B (see Tile), each k-major: with kc = k1-k0, lane i0 + s*W + l at step
// k goes to
//
//	dst[s*W*kc + (k-k0)*W + l]
//
// and the places of lanes that the last strip has too many are to be set to 0. i0 is a multiple of W, and dst has
// ceil((i1-i0)/W)*W*kc elements. Several workers call it at once, and for one block perhaps more than once.
type Packer func(dst []float32, batch, k0, k1, i0, i1 int)

// Tile is the size of the register tile of the instruction set in use now: the widths of the strips of A and B. A
// Packer that keeps them is only good for runs with the same instruction set.
func Tile() (mr, nr int) {
	kern := currentKernel()
	return kern.mr, kern.nr
}

// Work is the number of float32s of scratch that Run wants on a pool of the given number of threads.
func (g *GemmCall) Work(threads int) int {
	pl := planGemm(currentKernel(), max(g.Count, 1), g.A.Rows, g.B.Cols, g.A.Cols)
	return pl.work(threads)
}

// Run computes the product with the instruction set in use now. work is scratch of Work elements: with less, Run allocates
// it.
func (g *GemmCall) Run(p *par.Pool, work []float32) {
	g.check()
	if g.C.Rows == 0 || g.C.Cols == 0 {
		return
	}
	g.execute(planGemm(currentKernel(), max(g.Count, 1), g.A.Rows, g.B.Cols, g.A.Cols), p, work)
}

func (g *GemmCall) execute(pl plan, p *par.Pool, work []float32) {
	if need := pl.work(p.Threads()); len(work) < need {
		work = make([]float32, need)
	}
	j := newJob()
	j.call, j.plan, j.pool = *g, pl, p
	j.run(work)
	j.release()
}

func (g *GemmCall) check() {
	m, n, k := g.C.Rows, g.C.Cols, g.A.Cols
	if g.A.Rows != m || g.B.Rows != k || g.B.Cols != n {
		panic(fmt.Sprintf("linalg: product of %dx%d and %dx%d does not give %dx%d", g.A.Rows, k, g.B.Rows, g.B.Cols, m, n))
	}
	if e := &g.Epilogue; e.RowBias != nil && len(e.RowBias) < m || e.ColBias != nil && len(e.ColBias) < n {
		panic(fmt.Sprintf("linalg: biases of %d rows and %d columns for a product of %dx%d", len(e.RowBias), len(e.ColBias), m, n))
	}
	for i := range max(g.Count, 1) {
		if g.PackA == nil {
			g.A.check("A", g.ABatch.offset(i))
		}
		if g.PackB == nil {
			g.B.check("B", g.BBatch.offset(i))
		}
		g.C.check("C", g.CBatch.offset(i))
	}
}

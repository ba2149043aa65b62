package optimizers

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// multiply computes c ← a·b. With an operand in bf16, or ar.half, the others are rounded and sums are in float32.
func multiply(ar *arena[float32], a, b, c linalg.HalfMat) { multiplyEach(ar, 1, a, b, c, 0, 0, 0) }

// multiplyEach is multiply of count products, whose matrices begin so many elements after those of the one before.
func multiplyEach(ar *arena[float32], count int, a, b, c linalg.HalfMat, aStep, bStep, cStep int) {
	mark := ar.used
	switch {
	case a.BF16 != nil || b.BF16 != nil || ar.half:
		call := linalg.HalfCall{A: a, B: b, C: c, Alpha: 1, Count: count,
			ABatch: linalg.Batch{Stride: aStep}, BBatch: linalg.Batch{Stride: bStep}, CBatch: linalg.Batch{Stride: cStep}}
		call.Run(ar.pool, ar.take(call.Work(ar.pool.Threads())))
	case count == 1 && onVector(a, b, c):
		for i := range a.Rows {
			c.F32[i] = linalg.Dot(a.F32[i*a.RowStride:][:a.Cols], b.F32[:a.Cols])
		}
	default:
		call := linalg.GemmCall{A: single(a), B: single(b), C: single(c), Alpha: 1, Count: count,
			ABatch: linalg.Batch{Stride: aStep}, BBatch: linalg.Batch{Stride: bStep}, CBatch: linalg.Batch{Stride: cStep}}
		call.Run(ar.pool, ar.take(call.Work(ar.pool.Threads())))
	}
	ar.release(mark)
}

// squareBlock is how many rows of a symmetric product in float32 are computed at a time.
const squareBlock = 128

// multiplySquare computes out ← u·uᵀ, blocks of rows as far as the diagonal and the rest by symmetry. In bf16 it would take
// as long to pack u for every block as blocks save.
func multiplySquare(ar *arena[float32], u linalg.HalfMat, out []float32) {
	d, block, sweeper := u.Rows, squareBlock, linalg.NewSweeper()
	if u.BF16 != nil || ar.half {
		block = d
	}
	for lo := 0; lo < d; lo += block {
		hi := min(lo+block, d)
		multiply(ar, band(u, lo, hi), band(u, 0, hi).T(), linalg.HalfMat{F32: out[lo*d:], Rows: hi - lo, Cols: hi, RowStride: d, ColStride: 1})
		if lo > 0 {
			sweeper.Transpose(out[lo:], d, out[lo*d:], d, lo, hi-lo)
		}
	}
}

// band is rows [lo, hi) of m.
func band(m linalg.HalfMat, lo, hi int) linalg.HalfMat {
	if m.BF16 != nil {
		m.BF16 = m.BF16[lo*m.RowStride:]
	} else {
		m.F32 = m.F32[lo*m.RowStride:]
	}
	m.Rows = hi - lo
	return m
}

// onVector says that a product is rows of a times one column, which packing would only slow down.
func onVector(a, b, c linalg.HalfMat) bool {
	return c.Cols == 1 && a.ColStride == 1 && b.RowStride == 1 && c.RowStride == 1
}

func single(m linalg.HalfMat) linalg.Mat {
	return linalg.Mat{Data: m.F32, Rows: m.Rows, Cols: m.Cols, RowStride: m.RowStride, ColStride: m.ColStride}
}

// shaped views the elements of m as a row-major matrix.
func shaped(m linalg.HalfMat, rows, cols int) linalg.HalfMat {
	m.Rows, m.Cols, m.RowStride, m.ColStride = rows, cols, cols, 1
	return m
}

// halves is the elements of a tensor of bf16 as linalg has them.
func halves(t *tensor.Tensor) []uint16 {
	x := tensor.Slice[tensor.BFloat16](t)
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// asHalves is room for twice as many bf16s.
func asHalves(x []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}

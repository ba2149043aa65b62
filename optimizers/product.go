package optimizers

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// multiply computes c ← a·b. With an operand in bf16 the other one is rounded and sums are in float32.
func multiply(ar *arena[float32], a, b, c linalg.HalfMat) { multiplyEach(ar, 1, a, b, c, 0, 0, 0) }

// multiplyEach is multiply of count products, whose matrices begin so many elements after those of the one before.
func multiplyEach(ar *arena[float32], count int, a, b, c linalg.HalfMat, aStep, bStep, cStep int) {
	mark := ar.used
	switch {
	case a.BF16 != nil || b.BF16 != nil:
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

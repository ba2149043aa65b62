package optimizers

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// tiny is up to how many multiplications plain loops beat the preparations of a tuned kernel.
const tiny = 1 << 12

// thin products, as along the axes of a kernel's window, would be packed for no use.
const thin = 4

// gemm computes c ← alpha·a·b + beta·c; beta 0 overwrites. One stride of each matrix is 1. Float64, in which updates
// are judged and not trained, takes plain loops. With ar.half operands are rounded to bf16 where that is faster.
func gemm[T number](ar *arena[T], alpha T, a, b mat[T], beta T, c mat[T]) {
	x, single := any(a.data).([]float32)
	if !single || c.rows*c.cols*a.cols <= tiny || min(c.rows, c.cols, a.cols) <= thin {
		plainGemm(alpha, a, b, beta, c)
		return
	}
	y, z := any(b.data).([]float32), any(c.data).([]float32)
	mark := ar.used
	if ar.half {
		call := linalg.HalfCall{A: a.dense(x).Half(), B: b.dense(y).Half(), C: c.dense(z).Half(), Alpha: float32(alpha), Beta: float32(beta)}
		call.Run(ar.pool, any(ar.take(call.Work(ar.pool.Threads()))).([]float32))
	} else {
		work := any(ar.take(linalg.GemmWork(c.rows, c.cols, a.cols, ar.pool.Threads()))).([]float32)
		linalg.Gemm(ar.pool, float32(alpha), a.dense(x), b.dense(y), float32(beta), c.dense(z), work)
	}
	ar.release(mark)
}

// squared computes out ← u·uᵀ.
func squared[T number](ar *arena[T], u mat[T], out []T) {
	x, single := any(u.data).([]float32)
	if !single || u.rows <= squareBlock || u.cols <= thin {
		gemm(ar, 1, u, u.t(), 0, square(out, u.rows))
		return
	}
	multiplySquare(any(ar).(*arena[float32]), u.dense(x).Half(), any(out).([]float32))
}

// dense is m as linalg has it; data is m.data, whose type is known to be float32.
func (m mat[T]) dense(data []float32) linalg.Mat {
	return linalg.Mat{Data: data, Rows: m.rows, Cols: m.cols, RowStride: m.rs, ColStride: m.cs}
}

// plainGemm is the judge of tuned kernels: loops along the rows of c, four products at once.
func plainGemm[T number](alpha T, a, b mat[T], beta T, c mat[T]) {
	if c.cs != 1 {
		a, b, c = b.t(), a.t(), c.t()
	}
	for i := range c.rows {
		row := c.data[i*c.rs:][:c.cols]
		if beta == 0 {
			clear(row)
		} else {
			for j := range row {
				row[j] *= beta
			}
		}
		switch {
		case b.cs == 1:
			rowByRows(alpha, a, b, i, row)
		case a.cs == 1 && b.rs == 1:
			rowByDots(alpha, a, b, i, row)
		default:
			for j := range row {
				var sum T
				for k := range a.cols {
					sum += a.data[i*a.rs+k*a.cs] * b.data[k*b.rs+j*b.cs]
				}
				row[j] += alpha * sum
			}
		}
	}
}

// rowByRows adds to row the rows of b weighted by row i of a.
func rowByRows[T number](alpha T, a, b mat[T], i int, row []T) {
	n, k := len(row), 0
	at := i * a.rs
	for ; k+4 <= a.cols; k += 4 {
		x0, x1 := alpha*a.data[at], alpha*a.data[at+a.cs]
		x2, x3 := alpha*a.data[at+2*a.cs], alpha*a.data[at+3*a.cs]
		at += 4 * a.cs
		b0, b1 := b.data[k*b.rs:][:n], b.data[(k+1)*b.rs:][:n]
		b2, b3 := b.data[(k+2)*b.rs:][:n], b.data[(k+3)*b.rs:][:n]
		for j := range row {
			row[j] += x0*b0[j] + x1*b1[j] + (x2*b2[j] + x3*b3[j])
		}
	}
	for ; k < a.cols; k++ {
		x := alpha * a.data[at]
		at += a.cs
		for j, y := range b.data[k*b.rs:][:n] {
			row[j] += x * y
		}
	}
}

// rowByDots adds to row the inner products of row i of a with the columns of b, all of which are contiguous.
func rowByDots[T number](alpha T, a, b mat[T], i int, row []T) {
	x := a.data[i*a.rs:][:a.cols]
	n, j := len(x), 0
	for ; j+4 <= len(row); j += 4 {
		b0, b1 := b.data[j*b.cs:][:n], b.data[(j+1)*b.cs:][:n]
		b2, b3 := b.data[(j+2)*b.cs:][:n], b.data[(j+3)*b.cs:][:n]
		var s0, s1, s2, s3 T
		for k, v := range x {
			s0 += v * b0[k]
			s1 += v * b1[k]
			s2 += v * b2[k]
			s3 += v * b3[k]
		}
		r := row[j:][:4]
		r[0] += alpha * s0
		r[1] += alpha * s1
		r[2] += alpha * s2
		r[3] += alpha * s3
	}
	for ; j < len(row); j++ {
		var sum T
		for k, v := range b.data[j*b.cs:][:n] {
			sum += x[k] * v
		}
		row[j] += alpha * sum
	}
}

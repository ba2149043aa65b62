package optimizers

// mat is a strided view of a matrix.
type mat[T number] struct {
	data       []T
	rows, cols int
	rs, cs     int // strides of a step down and a step right
}

// square views the first d·d elements as a row-major matrix.
func square[T number](data []T, d int) mat[T] { return mat[T]{data[:d*d], d, d, d, 1} }

func (m mat[T]) t() mat[T] { return mat[T]{m.data, m.cols, m.rows, m.cs, m.rs} }

// band is rows [lo, hi).
func (m mat[T]) band(lo, hi int) mat[T] {
	m.data, m.rows = m.data[min(lo*m.rs, len(m.data)):], hi-lo
	return m
}

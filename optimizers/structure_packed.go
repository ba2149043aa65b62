package optimizers

// packing is a class with fewer entries than its matrices have, between which and row-major d×d matrices it converts.
type packing[T number] interface {
	layout() layout
	expand(k, matrix []T)     // matrix ← K
	pack(matrix, k []T)       // K ← a matrix of the class
	project(symmetric, k []T) // K ← Π(S)
}

// packedClass computes with whole matrices and keeps packed ones: it saves the memory of state, not the work.
type packedClass[T number] struct {
	packing[T]
	d int
}

func (c packedClass[T]) gram(a *arena[T], k, out []T) {
	mark, d := a.used, c.d
	m, s := square(a.take(d*d), d), square(a.take(d*d), d)
	c.expand(k, m.data)
	gemm(a, 1, m.t(), m, 0, s)
	c.project(s.data, out)
	a.release(mark)
}

func (c packedClass[T]) outer(a *arena[T], u mat[T], out []T) {
	mark := a.used
	s := square(a.take(u.rows*u.rows), u.rows)
	gemm(a, 1, u, u.t(), 0, s)
	c.project(s.data, out)
	a.release(mark)
}

func (c packedClass[T]) times(a *arena[T], k, m, out []T) {
	mark, d := a.used, c.d
	x, y, xy := square(a.take(d*d), d), square(a.take(d*d), d), square(a.take(d*d), d)
	c.expand(k, x.data)
	c.expand(m, y.data)
	gemm(a, 1, x, y, 0, xy)
	c.pack(xy.data, out)
	a.release(mark)
}

func (c packedClass[T]) mul(a *arena[T], k []T, transposed bool, x, y mat[T]) {
	mark := a.used
	m := square(a.take(x.rows*x.rows), x.rows)
	c.expand(k, m.data)
	if transposed {
		m = m.t()
	}
	gemm(a, 1, m, x, 0, y)
	a.release(mark)
}

package optimizers

// denseClass is all d×d matrices.
type denseClass[T number] struct{ d int }

func (c denseClass[T]) layout() layout {
	l := layout{size: c.d * c.d}
	for i := range c.d {
		l.diagonal = append(l.diagonal, i*c.d+i)
	}
	return l
}

func (c denseClass[T]) gram(a *arena[T], k, out []T) {
	m := square(k, c.d)
	squared(a, m.t(), out)
}

func (c denseClass[T]) outer(a *arena[T], u mat[T], out []T) {
	squared(a, u, out)
}

func (c denseClass[T]) times(a *arena[T], k, m, out []T) {
	gemm(a, 1, square(k, c.d), square(m, c.d), 0, square(out, c.d))
}

func (c denseClass[T]) mul(a *arena[T], k []T, transposed bool, x, y mat[T]) {
	m := square(k, c.d)
	if transposed {
		m = m.t()
	}
	gemm(a, 1, m, x, 0, y)
}

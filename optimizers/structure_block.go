package optimizers

// blockClass keeps b×b blocks on the diagonal, the last one smaller, one after another.
type blockClass[T number] struct {
	d, b int
	// symmetric takes the blocks for symmetric as singd's BlockDiagonalMatrix does: Kᵀx is computed as Kx and KᵀK as KKᵀ.
	symmetric bool
}

func newBlocks[T number](d, b int, symmetric bool) blockClass[T] {
	return blockClass[T]{d, min(b, d), symmetric}
}

// each visits the blocks: rows [lo, hi) and where their entries start.
func (c blockClass[T]) each(visit func(lo, hi, at int)) {
	for lo, at := 0, 0; lo < c.d; lo += c.b {
		hi := min(lo+c.b, c.d)
		visit(lo, hi, at)
		at += (hi - lo) * (hi - lo)
	}
}

func (c blockClass[T]) layout() layout {
	l := layout{}
	c.each(func(lo, hi, at int) {
		for i := range hi - lo {
			l.diagonal = append(l.diagonal, at+i*(hi-lo)+i)
		}
		l.size = at + (hi-lo)*(hi-lo)
	})
	return l
}

func (c blockClass[T]) gram(a *arena[T], k, out []T) {
	c.each(func(lo, hi, at int) {
		m := square(k[at:], hi-lo)
		if c.symmetric {
			m = m.t()
		}
		gemm(a, 1, m.t(), m, 0, square(out[at:], hi-lo))
	})
}

func (c blockClass[T]) outer(a *arena[T], u mat[T], out []T) {
	c.each(func(lo, hi, at int) {
		rows := u.band(lo, hi)
		gemm(a, 1, rows, rows.t(), 0, square(out[at:], hi-lo))
	})
}

func (c blockClass[T]) times(a *arena[T], k, m, out []T) {
	c.each(func(lo, hi, at int) {
		gemm(a, 1, square(k[at:], hi-lo), square(m[at:], hi-lo), 0, square(out[at:], hi-lo))
	})
}

func (c blockClass[T]) mul(a *arena[T], k []T, transposed bool, x, y mat[T]) {
	c.each(func(lo, hi, at int) {
		m := square(k[at:], hi-lo)
		if transposed && !c.symmetric {
			m = m.t()
		}
		gemm(a, 1, m, x.band(lo, hi), 0, y.band(lo, hi))
	})
}

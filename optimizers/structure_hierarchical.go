package optimizers

// hierarchy packs matrices [[A, B], [0, diag(c), 0], [0, D, E]]: a dense corner of size first with its rows B, a
// diagonal, and a dense corner E with the entries D to its left.
type hierarchy[T number] struct{ d, first, last int }

func newHierarchy[T number](d, first, last int) hierarchy[T] {
	first = min(first, d)
	return hierarchy[T]{d, first, min(last, d-first)}
}

// each visits the entries in packed order; side says that the mirrored one is not in the class.
func (p hierarchy[T]) each(visit func(at, row, col int, side bool)) {
	at := 0
	for i := range p.first {
		for j := range p.d {
			visit(at, i, j, j >= p.first)
			at++
		}
	}
	for i := p.first; i < p.d-p.last; i++ {
		visit(at, i, i, false)
		at++
	}
	for i := p.d - p.last; i < p.d; i++ {
		for j := p.first; j < p.d; j++ {
			visit(at, i, j, j < p.d-p.last)
			at++
		}
	}
}

func (p hierarchy[T]) layout() layout {
	l := layout{}
	p.each(func(at, row, col int, _ bool) {
		l.size = at + 1
		if row == col {
			l.diagonal = append(l.diagonal, at)
		}
	})
	return l
}

func (p hierarchy[T]) expand(k, matrix []T) {
	clear(matrix)
	p.each(func(at, row, col int, _ bool) { matrix[row*p.d+col] = k[at] })
}

func (p hierarchy[T]) pack(matrix, k []T) {
	p.each(func(at, row, col int, _ bool) { k[at] = matrix[row*p.d+col] })
}

func (p hierarchy[T]) project(symmetric, k []T) {
	p.each(func(at, row, col int, side bool) {
		k[at] = symmetric[row*p.d+col]
		if side {
			k[at] *= 2
		}
	})
}

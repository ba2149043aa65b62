package optimizers

// diagonalClass keeps the diagonal.
type diagonalClass[T number] struct{ d int }

func (c diagonalClass[T]) layout() layout {
	l := layout{size: c.d, diagonal: make([]int, c.d)}
	for i := range c.d {
		l.diagonal[i] = i
	}
	return l
}

func (c diagonalClass[T]) gram(_ *arena[T], k, out []T) {
	for i, x := range k {
		out[i] = x * x
	}
}

func (c diagonalClass[T]) outer(_ *arena[T], u mat[T], out []T) {
	if u.rs < u.cs { // a transposed view: walk it in the order of memory
		clear(out)
		for j := range u.cols {
			for i := range out {
				x := u.data[i*u.rs+j*u.cs]
				out[i] += x * x
			}
		}
		return
	}
	for i := range out {
		var sum T
		for j := range u.cols {
			x := u.data[i*u.rs+j*u.cs]
			sum += x * x
		}
		out[i] = sum
	}
}

func (c diagonalClass[T]) times(_ *arena[T], k, m, out []T) {
	for i, x := range k {
		out[i] = x * m[i]
	}
}

func (c diagonalClass[T]) mul(_ *arena[T], k []T, _ bool, x, y mat[T]) {
	if x.rs < x.cs {
		for j := range x.cols {
			for i, f := range k {
				y.data[i*y.rs+j*y.cs] = f * x.data[i*x.rs+j*x.cs]
			}
		}
		return
	}
	for i, f := range k {
		for j := range x.cols {
			y.data[i*y.rs+j*y.cs] = f * x.data[i*x.rs+j*x.cs]
		}
	}
}

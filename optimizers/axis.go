package optimizers

// axisView is a tensor seen from one of its axes: left·d·right elements, row-major.
type axisView[T number] struct {
	data           []T
	left, d, right int
}

func viewAxis[T number](data []T, dims []int, axis int) axisView[T] {
	v := axisView[T]{data: data, left: 1, d: dims[axis], right: 1}
	for i, d := range dims {
		switch {
		case i < axis:
			v.left *= d
		case i > axis:
			v.right *= d
		}
	}
	return v
}

// unfold is the d × left·right matrix whose rows are the slices along the axis: a view where strides can express it,
// a copy in scratch memory otherwise.
func (v axisView[T]) unfold(a *arena[T]) mat[T] {
	switch {
	case v.left == 1:
		return mat[T]{v.data, v.d, v.right, v.right, 1}
	case v.right == 1:
		return mat[T]{v.data, v.d, v.left, 1, v.d}
	}
	cols := v.left * v.right
	m := mat[T]{a.take(v.d * cols), v.d, cols, cols, 1}
	for l := range v.left {
		for i := range v.d {
			copy(m.data[i*cols+l*v.right:][:v.right], v.data[(l*v.d+i)*v.right:])
		}
	}
	return m
}

// viewed reports whether unfold needs no copy.
func (v axisView[T]) viewed() bool { return v.left == 1 || v.right == 1 }

// fold writes back a copy that unfold made.
func (v axisView[T]) fold(m mat[T]) {
	cols := v.left * v.right
	for l := range v.left {
		for i := range v.d {
			copy(v.data[(l*v.d+i)*v.right:][:v.right], m.data[i*cols+l*v.right:])
		}
	}
}

// along multiplies a matrix onto one axis of src: dst ← src ×ₙ M. They may not overlap.
func along[T number](a *arena[T], src, dst []T, dims []int, axis int, c class[T], k []T, transposed bool) {
	mark := a.used
	from, to := viewAxis(src, dims, axis), viewAxis(dst, dims, axis)
	x := from.unfold(a)
	if from.viewed() {
		c.mul(a, k, transposed, x, to.unfold(a))
	} else {
		y := x
		y.data = a.take(len(x.data))
		c.mul(a, k, transposed, x, y)
		to.fold(y)
	}
	a.release(mark)
}

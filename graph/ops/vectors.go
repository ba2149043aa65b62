package ops

import "github.com/onnxtrain/onnxtrain/tensor"

// vectors are a tensor seen along one axis: outer*inner vectors of along elements that lie inner apart.
type vectors struct{ outer, along, inner int }

func vectorsOf(shape tensor.Shape, axis int) vectors {
	outer, along, inner := around(shape, axis)
	return vectors{outer, along, inner}
}

// each calls fn with the elements of every vector, by index; the slice is reused.
func (l vectors) each(fn func(at []int)) {
	at := make([]int, l.along)
	for o := range l.outer {
		for i := range l.inner {
			for a := range at {
				at[a] = (o*l.along+a)*l.inner + i
			}
			fn(at)
		}
	}
}

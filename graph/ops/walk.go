package ops

import "github.com/onnxtrain/onnxtrain/tensor"

// walk calls fn for every index of shape in row-major order with the offsets that the index has under each of the
// strides; the offsets are only valid during the call.
func walk(shape tensor.Shape, fn func(i int, at []int), strides ...[]int) {
	n := shape.Elems()
	index := make([]int, len(shape))
	at := make([]int, len(strides))
	for i := range n {
		fn(i, at)
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			if index[d] < shape[d] {
				for k := range at {
					at[k] += strides[k][d]
				}
				break
			}
			for k := range at {
				at[k] -= strides[k][d] * (shape[d] - 1)
			}
			index[d] = 0
		}
	}
}

// around splits a shape at an axis: the elements before, along and after it, so that element (o, a, i) is at
// (o*along+a)*inner+i.
func around(shape tensor.Shape, axis int) (outer, along, inner int) {
	return shape[:axis].Elems(), shape[axis], shape[axis+1:].Elems()
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// pick fills out with the elements of in that the strides visit from first on. It copies bytes, so every element type
// keeps its bits.
func pick(out, in *tensor.Tensor, first int, strides []int) {
	size := in.DType.Size()
	walk(out.Shape, func(i int, at []int) {
		copy(out.Data[i*size:(i+1)*size], in.Data[(first+at[0])*size:])
	}, strides)
}

// place puts the elements of in where the strides visit out from first on: the reverse of pick.
func place(out, in *tensor.Tensor, first int, strides []int) {
	size := in.DType.Size()
	walk(in.Shape, func(i int, at []int) {
		copy(out.Data[(first+at[0])*size:], in.Data[i*size:(i+1)*size])
	}, strides)
}

// copyElem copies one element.
func copyElem(out *tensor.Tensor, to int, in *tensor.Tensor, from int) {
	size := in.DType.Size()
	copy(out.Data[to*size:(to+1)*size], in.Data[from*size:])
}

// sources gives for each element of a tensor of shape out the element of one of shape in that it comes from, when each
// axis maps on its own: index o of axis d comes from index from(d, o), or from nowhere, which gives -1, when that is
// negative.
func sources(out, in tensor.Shape, from func(d, o int) int) []int {
	at := make([]int, out.Elems())
	if len(at) == 0 {
		// An axis may be long all the same.
		return nil
	}
	tables := make([][]int, len(out))
	for d, dim := range out {
		for o := range dim {
			tables[d] = append(tables[d], from(d, o))
		}
	}
	step, strides := out.Strides(), in.Strides()
	for i := range at {
		for d, table := range tables {
			index := table[i/step[d]%out[d]]
			if index < 0 {
				at[i] = -1
				break
			}
			at[i] += index * strides[d]
		}
	}
	return at
}

// positions reads indices into a dimension; negative ones count from its end.
func positions(t *tensor.Tensor, dim int) ([]int, error) {
	wide := t.Int64s()
	at := make([]int, len(wide))
	for i, v := range wide {
		if v < int64(-dim) || v >= int64(dim) {
			return nil, fmt.Errorf("index %d at position %d is outside of [%d, %d)", v, i, -dim, dim)
		}
		at[i] = int(v)
		if v < 0 {
			at[i] += dim
		}
	}
	return at, nil
}

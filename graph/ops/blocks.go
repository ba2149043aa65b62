package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// blockShapes says what index tuples, the rows of an index tensor, address in data after batch axes that both share:
// blocks of shape inner, as many as shape outer has elements.
func blockShapes(data, index tensor.Shape, batch int) (outer, inner tensor.Shape, err error) {
	if len(index) == 0 || len(data) == 0 {
		return nil, nil, fmt.Errorf("data of shape %v and indices of shape %v must have a rank of at least 1", data, index)
	}
	if batch < 0 || batch >= min(len(data), len(index)) || !data[:batch].Equal(index[:batch]) {
		return nil, nil, fmt.Errorf("data of shape %v and indices of shape %v do not share %d batch axes", data, index, batch)
	}
	last := len(index) - 1
	if index[last] > len(data)-batch {
		return nil, nil, fmt.Errorf("indices of shape %v address %d axes of data of shape %v after %d batch axes",
			index, index[last], data, batch)
	}
	return index[:last], data[batch+index[last]:], nil
}

// blocks is the first element of each block that index tuples address in data, and the size of a block.
func blocks(index *tensor.Tensor, data tensor.Shape, batch int) (first []int, size int, err error) {
	outer, inner, err := blockShapes(data, index.Shape, batch)
	if err != nil {
		return nil, 0, err
	}
	first = make([]int, outer.Elems())
	wide, strides, width := index.Int64s(), data.Strides(), index.Shape[len(index.Shape)-1]
	perBatch, batchSize := outer[batch:].Elems(), data[batch:].Elems()
	for k := range first {
		first[k] = k / perBatch * batchSize
		for d, v := range wide[k*width : (k+1)*width] {
			dim := data[batch+d]
			if v < int64(-dim) || v >= int64(dim) {
				return nil, 0, fmt.Errorf("index %d of axis %d at position %d is outside of [%d, %d)", v, batch+d, k, -dim, dim)
			}
			if v < 0 {
				v += int64(dim)
			}
			first[k] += int(v) * strides[batch+d]
		}
	}
	return first, inner.Elems(), nil
}

// addressed is the shape of all blocks together.
func addressed(data, index tensor.Shape, batch int) (tensor.Shape, error) {
	outer, inner, err := blockShapes(data, index, batch)
	return slices.Concat(outer, inner), err
}

package onnxload

import (
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// A sparse tensor may become this many times larger than what is stored, and at least minDense bytes.
const (
	maxDensity = 1024
	minDense   = 1 << 20
)

// densify makes a dense tensor of a sparse one, which is named by its values.
func (r *reader) densify(p *onnxpb.SparseTensorProto) (*tensor.Tensor, error) {
	if p.Values == nil || p.Indices == nil {
		return nil, errors.New("a sparse tensor lacks its values or its indices")
	}
	values, err := r.tensor(p.Values)
	if err != nil {
		return nil, err
	}
	indices, err := r.values(p.Indices)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: indices: %w", p.Values.GetName(), err)
	}
	t, err := r.scatter(p.Dims, values, indices)
	if err != nil {
		return nil, fmt.Errorf("sparse tensor %q: %w", p.Values.GetName(), err)
	}
	return t, nil
}

func (r *reader) scatter(dims []int64, values, indices *tensor.Tensor) (*tensor.Tensor, error) {
	shape, err := shapeOf(dims, values.DType)
	if err != nil {
		return nil, err
	}
	n := values.Elems()
	linear := len(indices.Shape) == 1 && indices.Shape[0] == n
	tuples := len(indices.Shape) == 2 && indices.Shape[0] == n && indices.Shape[1] == len(shape)
	if len(values.Shape) != 1 || indices.DType != tensor.Int64 || !linear && !tuples {
		return nil, fmt.Errorf("values %v and indices %v do not make a tensor of shape %v", values, indices, shape)
	}
	size, stored := int64(shape.Elems()*values.DType.Size()), int64(len(values.Data)+len(indices.Data))
	if size > max(minDense, maxDensity*stored) {
		return nil, fmt.Errorf("%d bytes hold a tensor of %d; store it dense", stored, size)
	}
	if err := r.take(size); err != nil {
		return nil, err
	}
	dense, width, strides := tensor.New(values.DType, shape...), values.DType.Size(), shape.Strides()
	for i := range n {
		at := 0
		if linear {
			at = int(indices.I64()[i])
		} else {
			for k, index := range indices.I64()[i*len(shape):][:len(shape)] {
				if index < 0 || index >= int64(shape[k]) {
					return nil, fmt.Errorf("index %d of element %d lies outside of shape %v", index, i, shape)
				}
				at += int(index) * strides[k]
			}
		}
		if at < 0 || at >= shape.Elems() {
			return nil, fmt.Errorf("element %d has index %d of %d", i, at, shape.Elems())
		}
		copy(dense.Data[at*width:][:width], values.Data[i*width:])
	}
	return dense, nil
}

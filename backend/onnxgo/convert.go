package onnxgo

import (
	"fmt"
	"maps"
	"slices"

	gorgonia "gorgonia.org/tensor"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// fromGorgonia copies a tensor.
func fromGorgonia(t gorgonia.Tensor) (*tensor.Tensor, error) {
	if t == nil {
		return nil, fmt.Errorf("it has no tensor")
	}
	if t.RequiresIterator() || t.DataOrder().IsColMajor() {
		// A view, or another order: copied element by element into the usual one.
		dense := gorgonia.New(gorgonia.Of(t.Dtype()), gorgonia.WithShape(t.Shape()...))
		it := t.Iterator()
		for i, at := 0, 0; ; i++ {
			var err error
			if at, err = it.Next(); err != nil {
				break
			}
			dense.Set(i, t.(*gorgonia.Dense).Get(at))
		}
		t = dense
	}
	shape := tensor.Shape(t.Shape())
	switch data := t.Data().(type) {
	case float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool:
		return scalar(data).Reshape(shape...), nil // gorgonia takes one element out of its slice
	case []float32:
		return of(shape, data)
	case []float64:
		return of(shape, data)
	case []int8:
		return of(shape, data)
	case []int16:
		return of(shape, data)
	case []int32:
		return of(shape, data)
	case []int64:
		return of(shape, data)
	case []uint8:
		return of(shape, data)
	case []uint16:
		return of(shape, data)
	case []uint32:
		return of(shape, data)
	case []uint64:
		return of(shape, data)
	case []bool:
		return of(shape, data)
	}
	return nil, fmt.Errorf("element type %v is not supported", t.Dtype())
}

func of[T tensor.Element](shape tensor.Shape, data []T) (*tensor.Tensor, error) {
	if len(data) != shape.Elems() {
		return nil, fmt.Errorf("%d elements for shape %v", len(data), shape)
	}
	return tensor.Of(shape, data...), nil
}

func scalar(x any) *tensor.Tensor {
	switch x := x.(type) {
	case float32:
		return tensor.Scalar(x)
	case float64:
		return tensor.Scalar(x)
	case int8:
		return tensor.Scalar(x)
	case int16:
		return tensor.Scalar(x)
	case int32:
		return tensor.Scalar(x)
	case int64:
		return tensor.Scalar(x)
	case uint8:
		return tensor.Scalar(x)
	case uint16:
		return tensor.Scalar(x)
	case uint32:
		return tensor.Scalar(x)
	case uint64:
		return tensor.Scalar(x)
	default:
		return tensor.Scalar(x.(bool))
	}
}

// toGorgonia copies a tensor.
func toGorgonia(t *tensor.Tensor) (gorgonia.Tensor, error) {
	var data any
	switch t.DType {
	case tensor.Float32:
		data = slices.Clone(t.F32())
	case tensor.Float64:
		data = slices.Clone(tensor.Slice[float64](t))
	case tensor.Int8:
		data = slices.Clone(tensor.Slice[int8](t))
	case tensor.Int16:
		data = slices.Clone(tensor.Slice[int16](t))
	case tensor.Int32:
		data = slices.Clone(tensor.Slice[int32](t))
	case tensor.Int64:
		data = slices.Clone(t.I64())
	case tensor.Uint8:
		data = slices.Clone(tensor.Slice[uint8](t))
	case tensor.Uint16:
		data = slices.Clone(tensor.Slice[uint16](t))
	case tensor.Uint32:
		data = slices.Clone(tensor.Slice[uint32](t))
	case tensor.Uint64:
		data = slices.Clone(tensor.Slice[uint64](t))
	case tensor.Bool:
		data = slices.Clone(tensor.Slice[bool](t))
	default:
		return nil, fmt.Errorf("gorgonia has no element type %v", t.DType)
	}
	if t.Elems() == 0 {
		return nil, fmt.Errorf("gorgonia has no tensor without elements, such as one of shape %v", t.Shape)
	}
	return gorgonia.New(gorgonia.WithShape(t.Shape...), gorgonia.WithBacking(data)), nil
}

// attributes converts what onnx-go makes of attributes; those that it could not read are left out.
func attributes(given map[string]any) (graph.Attrs, error) {
	var attrs graph.Attrs
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch v := given[name].(type) {
		case struct{}: // an attribute without a type
		case int64, float32, string, []int64, []float32, []string:
			attrs = attrs.With(name, v)
		case gorgonia.Tensor:
			t, err := fromGorgonia(v)
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", name, err)
			}
			attrs = attrs.With(name, t)
		default:
			return nil, fmt.Errorf("attribute %s is %T, which is not supported", name, v)
		}
	}
	return attrs, nil
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// listed returns integers that operator versions before from give as the attribute name, later ones as constant input
// i; nil when they are absent.
func listed(n *graph.Node, from int, name string, i int) ([]int, error) {
	if n.Op.Since < from {
		return n.Attrs.Ints(name), nil
	}
	if n.Input(i) == nil {
		return nil, nil
	}
	return constant(n, i, name)
}

// list adds to a sample of version since what listed reads.
func list(s op.Sample, since, from int, name string, values ...int) op.Sample {
	if since < from {
		s.Attrs = s.Attrs.With(name, values)
		return s
	}
	s.Const = append(s.Const, len(s.In))
	s.In = append(s.In, ints(values...))
	return s
}

// ints is an int64 vector.
func ints(values ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, len(values))
	for i, v := range values {
		t.I64()[i] = int64(v)
	}
	return t
}

// count is the float32 tensor 0, 1, 2, … of a shape.
func count(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range t.F32() {
		t.F32()[i] = float32(i)
	}
	return t
}

// floats32 is a float32 tensor of the given shape and elements.
func floats32(shape []int, values ...float32) *tensor.Tensor { return tensor.Of(shape, values...) }

// one is a list of one tensor.
func one(t *tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{t} }

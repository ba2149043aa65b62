package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Constant",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 0, 0); err != nil {
				return err
			}
			t, err := constantOf(n)
			if err != nil {
				return err
			}
			return set(n, 0, t.DType, t.Shape)
		},
		Eval: func(n *graph.Node, _, out []*tensor.Tensor) error {
			t, err := constantOf(n)
			if err != nil {
				return err
			}
			copy(out[0].Data, t.Data)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, value any, want *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs(name, value), Want: one(want)}
			}
			return []op.Sample{
				of("value", count(2, 2), count(2, 2)),
				of("value_float", float32(1.5), tensor.Scalar[float32](1.5)),
				of("value_floats", []float32{1, 2}, tensor.Vector[float32](1, 2)),
				of("value_int", 7, tensor.Scalar[int64](7)),
				of("value_ints", []int{7, 8}, tensor.Vector[int64](7, 8)),
			}
		},
	}, 1, 9, 11, 12, 13, 19, 21)
}

// constantOf is the tensor that one of the attributes of a Constant holds.
func constantOf(n *graph.Node) (*tensor.Tensor, error) {
	for _, a := range n.Attrs {
		switch v := a.Value.(type) {
		case *tensor.Tensor:
			if a.Name == "value" {
				return v, nil
			}
		case float32:
			return tensor.Scalar(v), nil
		case []float32:
			return tensor.Vector(v...), nil
		case int64:
			return tensor.Scalar(v), nil
		case []int64:
			return tensor.Vector(v...), nil
		}
		return nil, fmt.Errorf("attribute %s is not supported; only dense numbers are", a.Name)
	}
	return nil, fmt.Errorf("none of the value attributes is there")
}

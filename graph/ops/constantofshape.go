package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "ConstantOfShape",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			shape, err := constant(n, 0, "shape")
			if err != nil {
				return err
			}
			value := fillValue(n)
			if value.Elems() != 1 {
				return fmt.Errorf("attribute value of shape %v is not one number", value.Shape)
			}
			return set(n, 0, value.DType, shape)
		},
		Eval: func(n *graph.Node, _, out []*tensor.Tensor) error {
			value := fillValue(n)
			for i := range out[0].Elems() {
				copyElem(out[0], i, value, 0)
			}
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, value, want *tensor.Tensor) op.Sample {
				s := op.Sample{Name: name, In: one(ints(want.Shape...)), Const: []int{0}, Want: one(want)}
				if value != nil {
					s.Attrs = graph.MakeAttrs("value", value)
				}
				return s
			}
			return []op.Sample{
				of("float zeros", nil, tensor.New(tensor.Float32, 2, 3)),
				of("ints", tensor.Vector[int64](4), tensor.Vector[int64](4, 4, 4)),
				of("bool", tensor.Vector(true), tensor.Vector(true, true)),
				of("scalar", tensor.Vector[float32](2), tensor.Scalar[float32](2)),
				of("empty", nil, tensor.New(tensor.Float32, 0, 3)),
			}
		},
	}, 9, 20, 21)
}

// fillValue is the number that a ConstantOfShape repeats.
func fillValue(n *graph.Node) *tensor.Tensor {
	if t := n.Attrs.Tensor("value"); t != nil {
		return t
	}
	return tensor.New(tensor.Float32, 1)
}

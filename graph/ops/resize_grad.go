package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ResizeGrad is the gradient of Resize's input, of the attribute shape, from dy and the other inputs of Resize.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "ResizeGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 4); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			x := tensor.Shape(n.Attrs.Ints("shape"))
			out, err := resizedTo(n, x)
			if err != nil {
				return err
			}
			if !shapeOf(n, 0).Equal(out) {
				return fmt.Errorf("the gradient has shape %v instead of %v", shapeOf(n, 0), out)
			}
			return set(n, 0, typeOf(n, 0), x)
		},
		NoGrad: []int{1, 2, 3},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			r, err := resizeOf(n, n.Attrs.Ints("shape"))
			if err != nil {
				return err
			}
			out[0].SetFloat64s(r.back(in[0].Float64s()))
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "nearest", Attrs: graph.MakeAttrs("shape", []int{1, 1, 2, 2}), Const: []int{2},
					In:   []*tensor.Tensor{count(1, 1, 2, 4), nil, tensor.Vector[float32](1, 1, 1, 2)},
					Want: one(floats32([]int{1, 1, 2, 2}, 1, 5, 9, 13))},
				{Name: "linear", Attrs: graph.MakeAttrs("shape", []int{1, 1, 4}, "mode", "linear"), Const: []int{3},
					In: []*tensor.Tensor{op.Normalish(1, 1, 1, 7), nil, nil, ints(1, 1, 7)}},
			}
		},
	})
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Flatten",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			shape := shapeOf(n, 0)
			axis := n.Attrs.Int("axis", 1)
			// Unlike other axes this one lies between dimensions, so that the rank itself is allowed.
			if axis < -len(shape) || axis > len(shape) {
				return fmt.Errorf("axis %d is outside of shape %v", axis, shape)
			}
			if axis < 0 {
				axis += len(shape)
			}
			return set(n, 0, typeOf(n, 0), tensor.Shape{shape[:axis].Elems(), shape[axis:].Elems()})
		},
		Grad: gradReshape,
		Eval: evalCopy,
		View: true,
		Samples: func() []op.Sample {
			at := func(name string, axis int, want tensor.Shape, shape ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), In: one(count(shape...)), Want: one(count(want...))}
			}
			return []op.Sample{
				{Name: "default", In: one(count(2, 3, 4)), Want: one(count(2, 12))},
				at("axis 0", 0, tensor.Shape{1, 24}, 2, 3, 4),
				at("axis rank", 3, tensor.Shape{24, 1}, 2, 3, 4),
				at("negative", -1, tensor.Shape{6, 4}, 2, 3, 4),
				at("scalar", 0, tensor.Shape{1, 1}),
			}
		},
	}, 1, 9, 11, 13, 21)
}

// gradReshape is the gradient of operators that only change the shape.
func gradReshape(b *op.Backward) { b.Set(0, b.Reshape(b.Grad(0), b.In(0).Type.Shape)) }

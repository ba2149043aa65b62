package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// globalPool defines a pooling operator whose window is all of a plane; the gradient reads dy and x as lines.
func globalPool(typ string, f func(n *graph.Node, plane []float64) float64, grad func(b *op.Backward), samples ...op.Sample) op.Def {
	return op.Def{
		Type: typ,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			if err := rank(n, 0, 3, -1); err != nil {
				return err
			}
			y := shapeOf(n, 0).Clone()
			for d := range y[2:] {
				if y[2+d] == 0 {
					return fmt.Errorf("input %q has shape %v: there is nothing to pool", n.In[0].Name, y)
				}
				y[2+d] = 1
			}
			return set(n, 0, typeOf(n, 0), y)
		},
		Grad: grad,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			x, y := in[0].Float64s(), make([]float64, out[0].Elems())
			plane := in[0].Shape[2:].Elems()
			for i := range y {
				y[i] = f(n, x[i*plane:][:plane])
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return slices.Concat(samples, []op.Sample{
				{Name: "images", In: one(op.Normalish(1, 2, 3, 4, 5))},
				{Name: "lines", In: one(op.Normalish(2, 2, 3, 7))},
				{Name: "4d", In: one(op.Normalish(3, 1, 2, 2, 3, 2, 2))},
			})
		},
	}
}

// lines views dy and x of a global pooling node as [N,C,1] and [N,C,L], and gives the attributes of its one window.
func lines(b *op.Backward) (attrs graph.Attrs, dy, x *graph.Value) {
	s := b.In(0).Type.Shape
	length := s[2:].Elems()
	dy = b.Reshape(b.Grad(0), tensor.Shape{s[0], s[1], 1})
	x = b.Reshape(b.In(0), tensor.Shape{s[0], s[1], length})
	return graph.MakeAttrs("kernel_shape", []int{length}), dy, x
}

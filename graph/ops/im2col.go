package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Im2Col makes columns of the contents of windows, zeros where they lie on padding: the gradient of Col2Im.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "Im2Col", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			g, err := PoolGeometry(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), tensor.Shape{g.Batch, g.InChannels * tensor.Shape(g.Kernel).Elems(), tensor.Shape(g.Out).Elems()})
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := PoolGeometry(n)
			if err != nil {
				return err
			}
			x, y := in[0].Float64s(), make([]float64, out[0].Elems())
			g.columns(func(image, column int) { y[column] = x[image] })
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", Attrs: graph.MakeAttrs("kernel_shape", []int{2}, "pads", []int{1, 0}), In: one(count(1, 2, 2)),
				Want: one(floats32([]int{1, 4, 2}, 0, 0, 0, 1, 0, 2, 2, 3))}}
		},
	})
}

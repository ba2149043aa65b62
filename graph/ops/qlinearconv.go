package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "QLinearConv", Since: 10,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 8, 9); err != nil {
				return err
			}
			for _, pair := range [][]int{{0, 2}, {3, 5}, {7}} {
				if err := sameType(n, quantized8, pair...); err != nil {
					return err
				}
			}
			if err := sameType(n, floats, 1, 4, 6); err != nil {
				return err
			}
			if err := allow(n, 8, setOf(tensor.Int32)); err != nil {
				return err
			}
			for _, i := range []int{1, 2, 6, 7} {
				if err := scalarInput(n, i, "scale or zero point"); err != nil {
					return err
				}
			}
			g, err := placedConv(n, shapeOf(n, 0), shapeOf(n, 3))
			if err != nil {
				return err
			}
			for _, i := range []int{4, 5, 8} {
				if err := filterParams(n, i, g.OutChannels); err != nil {
					return err
				}
			}
			return set(n, 0, typeOf(n, 7), g.outShape())
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := placedConv(n, in[0].Shape, in[3].Shape)
			if err != nil {
				return err
			}
			y := make([]float64, out[0].Elems())
			if b := at(in, 8); b != nil {
				addChannels(y, b.Float64s(), g.Batch)
			}
			g.convolve(y, integers8(in[0], in[2]), filters(in[3], in[5]))
			x, w, scale, zero := in[1].Float64s()[0], in[4].Float64s(), in[6].Float64s()[0], in[7].Float64s()[0]
			plane := tensor.Shape(g.Out).Elems()
			for i := range y {
				filter := i / plane % g.OutChannels
				y[i] = saturate(rounded(tensor.Float32, y[i]*x*w[filter%len(w)]/scale), zero, out[0].DType)
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", In: []*tensor.Tensor{
				tensor.Of([]int{1, 1, 1, 3}, uint8(12), 10, 15), tensor.Scalar[float32](0.5), tensor.Scalar[uint8](10),
				tensor.Of([]int{2, 1, 1, 2}, int8(1), 2, -3, 4), tensor.Vector[float32](0.5, 1), tensor.Vector[int8](0, 1),
				tensor.Scalar[float32](0.25), tensor.Scalar[int8](-2), tensor.Vector[int32](1, 2),
			}, Want: one(tensor.Of([]int{1, 2, 1, 2}, int8(1), 9, -14, 32))}}
		},
	})
}

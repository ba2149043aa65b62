package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// AveragePoolGrad is the gradient of AveragePool's input, of the attribute shape, from dy.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "AveragePoolGrad", Since: 1,
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
			return set(n, 0, typeOf(n, 0), g.inShape())
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := PoolGeometry(n)
			if err != nil {
				return err
			}
			dy, dx := in[0].Float64s(), make([]float64, out[0].Elems())
			pads := n.Attrs.Bool("count_include_pad", false)
			g.pooled(func(o, plane int, w *poolWindow) {
				share := dy[o] / w.divisor(pads)
				for _, i := range w.inside {
					dx[plane+i] += share
				}
			})
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			var all []op.Sample
			for i, c := range poolCases {
				attrs := c.attrs.With("shape", []int(c.x)).With("count_include_pad", i%2)
				all = append(all, op.Sample{Name: c.name, Attrs: attrs, In: one(op.Normalish(1, c.y...))})
			}
			return all
		},
	})
}

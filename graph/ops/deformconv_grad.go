package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// DeformConvGrad is the gradient of DeformConv's X, W, offset and mask, from its inputs, of which the bias is left out,
// and dy.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "DeformConvGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 6); err != nil {
				return err
			}
			d, err := deformedOf(n)
			if err != nil {
				return err
			}
			if dy := n.Input(5); dy == nil || !dy.Type.Shape.Equal(d.outShape()) {
				return fmt.Errorf("input 5, the gradient, must have shape %v", d.outShape())
			}
			for i := range 3 {
				if err := set(n, i, typeOf(n, 0), shapeOf(n, i)); err != nil {
					return err
				}
			}
			return set(n, 3, typeOf(n, 0), d.maskShape())
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			d, err := deformedOf(n)
			if err != nil {
				return err
			}
			x, w, dy, mask := in[0].Float64s(), in[1].Float64s(), in[5].Float64s(), d.maskOf(in[4])
			dx, dw, doffset, dmask := make([]float64, len(x)), make([]float64, len(w)), make([]float64, in[2].Elems()), make([]float64, len(mask))
			d.sweep(in[2].Float64s(), func(s *deformedTap) {
				v, m, dv := s.sample(x), mask[s.mask], 0.0
				d.filters(s, func(o, filter int) {
					dv += dy[o] * w[filter]
					dw[filter] += dy[o] * v * m
				})
				dmask[s.mask] += dv * v
				for _, t := range s.taps {
					dx[s.plane+t.at] += dv * m * t.weight
					for axis, slope := range t.slopes {
						doffset[s.offset[axis]] += dv * m * slope * x[s.plane+t.at]
					}
				}
			})
			for i, v := range [][]float64{dx, dw, doffset, dmask} {
				store(out, i, v)
			}
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "mask", Outs: 4, In: []*tensor.Tensor{op.Normalish(1, 1, 2, 3, 3), op.Normalish(2, 2, 2, 2, 2),
				op.Uniform(3, -0.9, 0.9, 1, 8, 2, 2), nil, op.Normalish(4, 1, 4, 2, 2), op.Normalish(5, 1, 2, 2, 2)}}}
		},
	})
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// GridSampleGrad is the gradient of GridSample's input and grid, from dy and both.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "GridSampleGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			if err := allow(n, 2, floats); err != nil {
				return err
			}
			s, err := samplingOf(n, shapeOf(n, 1), shapeOf(n, 2))
			if err != nil {
				return err
			}
			if !shapeOf(n, 0).Equal(s.outShape()) {
				return fmt.Errorf("the gradient has shape %v instead of %v", shapeOf(n, 0), s.outShape())
			}
			if err := set(n, 0, typeOf(n, 1), shapeOf(n, 1)); err != nil {
				return err
			}
			return set(n, 1, typeOf(n, 2), shapeOf(n, 2))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			s, err := samplingOf(n, in[1].Shape, in[2].Shape)
			if err != nil {
				return err
			}
			dy, x := in[0].Float64s(), in[1].Float64s()
			dx, dgrid := make([]float64, len(x)), make([]float64, in[2].Elems())
			s.points(in[2].Float64s(), func(point, plane, o int, taps []gridTap) {
				for _, t := range taps {
					if t.at < 0 {
						continue
					}
					dx[plane+t.at] += dy[o] * t.weight
					for d, slope := range t.slopes {
						dgrid[point+d] += dy[o] * slope * x[plane+t.at]
					}
				}
			})
			store(out, 0, dx)
			store(out, 1, dgrid)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "linear", Outs: 2,
				In: []*tensor.Tensor{op.Normalish(1, 2, 2, 2, 3), op.Normalish(2, 2, 2, 3, 4), op.Uniform(3, -1.2, 1.2, 2, 2, 3, 2)}}}
		},
	})
}

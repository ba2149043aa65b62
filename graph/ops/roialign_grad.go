package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// RoiAlignGrad is the gradient of RoiAlign's input, from dy, the regions, their batch indices and the input.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "RoiAlignGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 4, 4); err != nil {
				return err
			}
			r, err := roisOf(n, 3)
			if err != nil {
				return err
			}
			if !shapeOf(n, 0).Equal(r.outShape()) {
				return fmt.Errorf("the gradient has shape %v instead of %v", shapeOf(n, 0), r.outShape())
			}
			return set(n, 0, typeOf(n, 0), r.x)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			r, err := roisOf(n, 3)
			if err != nil {
				return err
			}
			dy, x := in[0].Float64s(), in[3].Float64s()
			dx := make([]float64, len(x))
			err = r.bins(in[1].Float64s(), in[2].Int64s(), func(o, plane int, samples [][]gridTap) {
				r.pool(x[plane:], samples, func(at int, by float64) { dx[plane+at] += dy[o] * by })
			})
			out[0].SetFloat64s(dx)
			return err
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "values", Attrs: graph.MakeAttrs("sampling_ratio", 1),
				In:   []*tensor.Tensor{floats32([]int{1, 1, 1, 1}, 8), floats32([]int{1, 4}, 0, 0, 2, 2), tensor.Vector[int64](0), count(1, 1, 2, 2)},
				Want: one(floats32([]int{1, 1, 2, 2}, 2, 2, 2, 2))}}
		},
	})
}

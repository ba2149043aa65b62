package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// PadGrad is the gradient of Pad: it adds each element of its input where Pad with attributes mode, before and after
// (one per axis) took it from, in a tensor of the attribute shape.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "PadGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			p, to := padGradOf(n)
			if len(p.before) != len(to) || len(p.after) != len(to) {
				return fmt.Errorf("pads %v and %v do not fit shape %v", p.before, p.after, to)
			}
			padded, err := p.shape(to)
			if err == nil && !padded.Equal(shapeOf(n, 0)) {
				err = fmt.Errorf("gradient of shape %v, want %v", shapeOf(n, 0), padded)
			}
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), to)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			p, to := padGradOf(n)
			dy, sums := in[0].Float64s(), make([]float64, to.Elems())
			for i, from := range p.sources(in[0].Shape, to) {
				if from >= 0 {
					sums[from] += dy[i]
				}
			}
			out[0].SetFloat64s(sums)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(mode string, shape []int, in, want *tensor.Tensor, before, after []int) op.Sample {
				p := padding{mode, before, after}
				return op.Sample{Name: mode, Attrs: p.attrs(shape), In: one(in), Want: one(want)}
			}
			return []op.Sample{
				of("edge", []int{2}, floats32([]int{4}, 1, 2, 4, 8), floats32([]int{2}, 3, 12), []int{1}, []int{1}),
				of("reflect", []int{3}, floats32([]int{5}, 1, 2, 4, 8, 16), floats32([]int{3}, 4, 10, 17), []int{2}, []int{0}),
				of("wrap", []int{2}, floats32([]int{3}, 1, 2, 4), floats32([]int{2}, 2, 5), []int{1}, []int{0}),
			}
		},
	})
}

func padGradOf(n *graph.Node) (padding, tensor.Shape) {
	return padding{n.Attrs.String("mode", ""), n.Attrs.Ints("before"), n.Attrs.Ints("after")}, n.Attrs.Ints("shape")
}

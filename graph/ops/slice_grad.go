package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// SliceGrad puts its input into zeros of the attribute shape: index i of axis d goes to starts[d] + i*steps[d]. It is
// the gradient of a Slice with steps; without steps that is a Pad.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "SliceGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			to, w := tensor.Shape(n.Attrs.Ints("shape")), gradWindow(n)
			if len(to) != len(w.shape) || len(w.first) != len(to) || len(w.step) != len(to) {
				return fmt.Errorf("starts %v and steps %v do not fit shapes %v and %v", w.first, w.step, w.shape, to)
			}
			for d, first := range w.first {
				step := w.step[d]
				// The first comparison keeps the product from overflowing.
				good := step != 0 && step <= to[d]+1 && step >= -to[d]-1
				last := first + (w.shape[d]-1)*step
				if !good || w.shape[d] > 0 && (min(first, last) < 0 || max(first, last) >= to[d]) {
					return fmt.Errorf("starts %v and steps %v lead from shape %v out of %v", w.first, w.step, w.shape, to)
				}
			}
			return set(n, 0, typeOf(n, 0), to)
		},
		Grad: func(b *op.Backward) {
			w := gradWindow(b.Node)
			ends, all := make([]int, len(w.first)), make([]int, len(w.first))
			for d, first := range w.first {
				all[d], ends[d] = d, first+w.shape[d]*w.step[d]
				if ends[d] < 0 {
					// -1 would be the last element.
					ends[d] = -b.Out(0).Type.Shape[d] - 1
				}
			}
			b.Set(0, b.Op("Slice", b.Grad(0), b.Ints(w.first...), b.Ints(ends...), b.Ints(all...), b.Ints(w.step...)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			clear(out[0].Data)
			first, strides := gradWindow(n).in(out[0].Shape)
			place(out[0], in[0], first, strides)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "every second", In: one(floats32([]int{2, 2}, 1, 2, 3, 4)),
					Attrs: graph.MakeAttrs("shape", []int{3, 4}, "starts", []int{0, 1}, "steps", []int{2, 2}),
					Want:  one(floats32([]int{3, 4}, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4))},
				{Name: "backwards", In: one(floats32([]int{3}, 1, 2, 3)),
					Attrs: graph.MakeAttrs("shape", []int{5}, "starts", []int{4}, "steps", []int{-2}),
					Want:  one(floats32([]int{5}, 3, 0, 2, 0, 1))},
				{Name: "stride of a channel map", In: one(op.Normalish(1, 2, 3, 2, 2)),
					Attrs: graph.MakeAttrs("shape", []int{2, 3, 4, 4}, "starts", []int{0, 0, 0, 0}, "steps", []int{1, 1, 2, 2})},
			}
		},
	})
}

func gradWindow(n *graph.Node) window {
	return window{n.Attrs.Ints("starts"), n.Attrs.Ints("steps"), shapeOf(n, 0)}
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Optional, OptionalGetElement and OptionalHasElement, of values that may be absent. Values here are always there: an
// optional with an element is that element, and one without is an absent input.
func init() {
	for typ, versions := range map[string][]int{"Optional": {15, 28}, "OptionalGetElement": {15, 18, 28}} {
		register(op.Def{
			Type: typ, View: true,
			Infer: func(n *graph.Node) error {
				if n.Input(0) == nil {
					return fmt.Errorf("an optional value that is empty; only tensors are supported")
				}
				return sameAsFirst(1, 1, anyType)(n)
			},
			Grad: func(b *op.Backward) { b.Set(0, b.Grad(0)) },
			Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
				copy(out[0].Data, in[0].Data)
				return nil
			},
			Samples: func() []op.Sample {
				return []op.Sample{example("tensor", count(2, 3), count(2, 3)), example("integers", ints(1, 2), ints(1, 2))}
			},
		}, versions...)
	}
	register(op.Def{
		Type: "OptionalHasElement",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 0, 1); err != nil {
				return err
			}
			return set(n, 0, tensor.Bool, tensor.Shape{})
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			out[0].SetInt64s([]int64{0})
			if len(in) > 0 && in[0] != nil {
				out[0].SetInt64s([]int64{1})
			}
			return nil
		},
		Samples: func() []op.Sample {
			yes, no := tensor.Scalar(true), tensor.Scalar(false)
			return []op.Sample{
				example("tensor", yes, count(2, 3)),
				{Name: "absent", In: []*tensor.Tensor{nil}, Want: one(no)},
				{Name: "no input", Want: one(no)},
			}
		},
	}, 15, 18, 28)
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "CumSum",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, numeric); err != nil {
				return err
			}
			if err := allow(n, 1, indices); err != nil {
				return err
			}
			if v := n.In[1]; v.Type.Shape.Elems() != 1 {
				return fmt.Errorf("the axis, %q, of shape %v is not one number", v.Name, v.Type.Shape)
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			reverse := 1
			if b.Node.Attrs.Bool("reverse", false) {
				reverse = 0
			}
			b.Set(0, b.OpAttrs("CumSum", b.Node.Attrs.With("reverse", reverse), b.Grad(0), b.In(1)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := in[0].Shape.Axis(int(in[1].Int64s()[0]))
			if err != nil {
				return err
			}
			exclusive, reverse := n.Attrs.Bool("exclusive", false), n.Attrs.Bool("reverse", false)
			if in[0].DType.IsInt() {
				v := in[0].Int64s()
				runningSum(v, in[0].Shape, axis, exclusive, reverse)
				out[0].SetInt64s(v)
				return nil
			}
			v := in[0].Float64s()
			runningSum(v, in[0].Shape, axis, exclusive, reverse)
			out[0].SetFloat64s(v)
			return nil
		},
		Samples: func() []op.Sample {
			along := func(name string, axis int32, in, want *tensor.Tensor, attrs ...any) op.Sample {
				s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: []*tensor.Tensor{in, tensor.Scalar(axis)}}
				if want != nil {
					s.Want = one(want)
				}
				return s
			}
			five := floats32([]int{5}, 1, 2, 3, 4, 5)
			return []op.Sample{
				along("plain", 0, five, floats32([]int{5}, 1, 3, 6, 10, 15)),
				along("exclusive", 0, five, floats32([]int{5}, 0, 1, 3, 6, 10), "exclusive", 1),
				along("reverse", 0, five, floats32([]int{5}, 15, 14, 12, 9, 5), "reverse", 1),
				along("exclusive, reverse", 0, five, floats32([]int{5}, 14, 12, 9, 5, 0), "reverse", 1, "exclusive", 1),
				along("rows", 0, floats32([]int{2, 3}, 1, 2, 3, 4, 5, 6), floats32([]int{2, 3}, 1, 2, 3, 5, 7, 9)),
				along("columns", -1, op.Normalish(1, 2, 3, 4), nil),
				along("middle", 1, op.Normalish(2, 2, 3, 4), nil),
				along("integers", 0, ints(1<<53, 1, 1), ints(1<<53, 1<<53+1, 1<<53+2)),
			}
		},
	}, 11, 14)
}

// runningSum replaces elements by the sum up to them along an axis.
func runningSum[T int64 | float64](v []T, shape tensor.Shape, axis int, exclusive, reverse bool) {
	outer, along, inner := around(shape, axis)
	for o := range outer {
		for i := range inner {
			var sum T
			for a := range along {
				if reverse {
					a = along - 1 - a
				}
				at := (o*along+a)*inner + i
				x := v[at]
				v[at] = sum + x
				if exclusive {
					v[at] = sum
				}
				sum += x
			}
		}
	}
}

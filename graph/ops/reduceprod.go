package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	reduction{
		typ: "ReduceProd", axes: 18, since: []int{1, 11, 13, 18},
		float: product[float64], int: product[int64], want: [2]float32{6, 120},
		grad: func(g *reductionGrad) *graph.Value { return g.Internal("ReduceProdGrad", nil, g.dy, g.x) },
		more: func(int) []op.Sample {
			return []op.Sample{{Name: "zeros", In: one(floats32([]int{3, 3}, 2, 0, 3, 0, 4, 0, 1, 2, 3)),
				Want: one(floats32([]int{3, 1}, 0, 0, 6))}}
		},
	}.register()

	// ReduceProdGrad gives each element of x, input 1, the product of the others that are reduced with it times dy, which
	// has 1 for the reduced axes. A quotient by the element would fail at 0.
	op.Register(op.Def{
		Domain: op.Internal, Type: "ReduceProdGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			if err := keptBy(shapeOf(n, 1), shapeOf(n, 0)); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 1))
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			x, kept := in[1].Float64s(), in[0].Shape
			dx, dy := make([]float64, len(x)), in[0].Float64s()
			strides := kept.BroadcastStrides(in[1].Shape)
			before, after := fill(tensor.Float64, 1, kept...).Float64s(), fill(tensor.Float64, 1, kept...).Float64s()
			group := make([]int, len(x))
			walk(in[1].Shape, func(i int, at []int) {
				group[i] = at[0]
				dx[i] = dy[at[0]] * before[at[0]]
				before[at[0]] *= x[i]
			}, strides)
			for i := len(x) - 1; i >= 0; i-- {
				dx[i] *= after[group[i]]
				after[group[i]] *= x[i]
			}
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "zeros", In: []*tensor.Tensor{floats32([]int{3, 1}, 1, 2, 3), floats32([]int{3, 3}, 2, 0, 3, 0, 4, 0, 1, 2, 3)},
					Want: one(floats32([]int{3, 3}, 0, 6, 0, 0, 0, 0, 18, 9, 6))},
				{Name: "two axes", In: []*tensor.Tensor{op.Normalish(1, 1, 3, 1), op.Normalish(2, 2, 3, 2)}},
			}
		},
	})
}

func product[T int64 | float64](x []T) T {
	p := T(1)
	for _, v := range x {
		p *= v
	}
	return p
}

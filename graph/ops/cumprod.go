package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "CumProd",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, numeric); err != nil {
				return err
			}
			if err := inferAxisInput(n, 1); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			b.Set(0, b.Internal("CumProdGrad", b.Node.Attrs, b.Grad(0), b.In(0), b.In(1)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := in[0].Shape.Axis(int(in[1].Int64s()[0]))
			if err != nil {
				return err
			}
			v := vectorsOf(in[0].Shape, axis)
			exclusive, reverse := n.Attrs.Bool("exclusive", false), n.Attrs.Bool("reverse", false)
			if in[0].DType.IsInt() {
				out[0].SetInt64s(runningProduct(in[0].Int64s(), v, exclusive, reverse))
				return nil
			}
			out[0].SetFloat64s(runningProduct(in[0].Float64s(), v, exclusive, reverse))
			return nil
		},
		Samples: func() []op.Sample { return cumProdSamples(nil) },
	}, 26)

	// CumProdGrad gives dx from dy, x and the axis, also where elements are 0.
	op.Register(op.Def{
		Domain: op.Internal, Type: "CumProdGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := sameShapes(2)(n); err != nil {
				return err
			}
			if err := inputs(n, 3, 3); err != nil {
				return err
			}
			return inferAxisInput(n, 2)
		},
		NoGrad: []int{2},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := in[1].Shape.Axis(int(in[2].Int64s()[0]))
			if err != nil {
				return err
			}
			dx := runningProductGrad(in[0].Float64s(), in[1].Float64s(), vectorsOf(in[1].Shape, axis),
				n.Attrs.Bool("exclusive", false), n.Attrs.Bool("reverse", false))
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			return cumProdSamples(func(shape tensor.Shape) *tensor.Tensor { return op.Normalish(9, shape...) })
		},
	})
}

func inferAxisInput(n *graph.Node, i int) error {
	if err := allow(n, i, indices); err != nil {
		return err
	}
	if v := n.In[i]; v.Type.Shape.Elems() != 1 {
		return fmt.Errorf("the axis, %q, of shape %v is not one number", v.Name, v.Type.Shape)
	}
	return nil
}

// turned is the indices in the order in which products run.
func turned(at []int, reverse bool) []int {
	if !reverse {
		return at
	}
	back := make([]int, len(at))
	for k, i := range at {
		back[len(at)-1-k] = i
	}
	return back
}

// runningProduct is the product up to each element of a vector.
func runningProduct[T int64 | float64](x []T, v vectors, exclusive, reverse bool) []T {
	y := make([]T, len(x))
	v.each(func(at []int) {
		p := T(1)
		for _, i := range turned(at, reverse) {
			if exclusive {
				y[i] = p
			}
			p *= x[i]
			if !exclusive {
				y[i] = p
			}
		}
	})
	return y
}

// runningProductGrad sums, for each element, dy times the product of the others over all products that have it.
func runningProductGrad(dy, x []float64, v vectors, exclusive, reverse bool) []float64 {
	dx := make([]float64, len(x))
	v.each(func(at []int) {
		at = turned(at, reverse)
		before := 1.0
		for k, i := range at {
			others := before
			for m := k; m < len(at); m++ {
				if m > k && exclusive {
					dx[i] += dy[at[m]] * others
				}
				if m > k {
					others *= x[at[m]]
				}
				if !exclusive {
					dx[i] += dy[at[m]] * others
				}
			}
			before *= x[i]
		}
	})
	return dx
}

// cumProdSamples have dy in front, where it is given.
func cumProdSamples(dy func(shape tensor.Shape) *tensor.Tensor) []op.Sample {
	of := func(name string, axis int32, in, want *tensor.Tensor, attrs ...any) op.Sample {
		s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: []*tensor.Tensor{in, tensor.Scalar(axis)}, Want: one(want)}
		if dy != nil {
			s.In, s.Want = append(one(dy(in.Shape)), s.In...), nil
		}
		return s
	}
	three := floats32([]int{3}, 2, 3, 4)
	all := []op.Sample{
		of("plain", 0, three, floats32([]int{3}, 2, 6, 24)),
		of("exclusive", 0, three, floats32([]int{3}, 1, 2, 6), "exclusive", 1),
		of("reverse", 0, three, floats32([]int{3}, 24, 12, 4), "reverse", 1),
		of("exclusive, reverse", 0, three, floats32([]int{3}, 12, 4, 1), "reverse", 1, "exclusive", 1),
		of("zeros", -1, floats32([]int{2, 3}, 1, 0, 2, 0, 3, 0), floats32([]int{2, 3}, 1, 0, 0, 0, 0, 0)),
		of("first axis", 0, floats32([]int{2, 2}, 1, 2, 3, 4), floats32([]int{2, 2}, 1, 2, 3, 8)),
	}
	if dy == nil {
		all = append(all, of("integers", 0, ints(1<<40, 3, 1), ints(1<<40, 3<<40, 3<<40)))
	}
	return all
}

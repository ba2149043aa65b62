package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "MaxUnpool",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			if err := allow(n, 1, setOf(tensor.Int64)); err != nil {
				return err
			}
			if !shapeOf(n, 0).Equal(shapeOf(n, 1)) {
				return fmt.Errorf("an input of shape %v and indices of shape %v", shapeOf(n, 0), shapeOf(n, 1))
			}
			_, whole, err := unpooled(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), whole)
		},
		NoGrad: []int{1, 2},
		Grad: func(b *op.Backward) {
			pool, _, err := unpooled(b.Node)
			if fails(b, err) {
				return
			}
			dy := b.Grad(0)
			for d, size := range pool {
				dy = cut(b, dy, d, 0, size)
			}
			b.Set(0, b.Op("Gather", b.Reshape(dy, tensor.Shape{pool.Elems()}), b.In(1)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			pool, whole, err := unpooled(n)
			if err != nil {
				return err
			}
			at, err := positions(in[1], pool.Elems())
			if err != nil {
				return err
			}
			x, y, strides := in[0].Float64s(), make([]float64, whole.Elems()), whole.Strides()
			for i, v := range x {
				to := 0
				for d, k := range unflatten(pool, at[i]) {
					to += k * strides[d]
				}
				y[to] = v
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			attrs := graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})
			x, at := floats32([]int{1, 1, 2, 2}, 1, 2, 3, 4), tensor.Of[int64]([]int{1, 1, 2, 2}, 5, 7, 13, 15)
			return []op.Sample{
				{Name: "values", Attrs: attrs, In: []*tensor.Tensor{x, at},
					Want: one(floats32([]int{1, 1, 4, 4}, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4))},
				{Name: "larger output", Attrs: attrs, In: []*tensor.Tensor{x, at, ints(1, 1, 5, 5)}, Const: []int{2},
					Want: one(floats32([]int{1, 1, 5, 5}, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0))},
			}
		},
	}, 9, 11, 22)
}

// unpooled is the shape that indices of MaxUnpool count in, which the windows give, and that of the output, whose
// corner holds it.
func unpooled(n *graph.Node) (pool, whole tensor.Shape, err error) {
	x := shapeOf(n, 0)
	if len(x) < 3 {
		return nil, nil, fmt.Errorf("an input of shape %v; pooling needs a batch, channels and 1 to 3 spatial axes", x)
	}
	g := Geometry{In: x[2:].Clone()}
	if err := g.windows(n, nil); err != nil {
		return nil, nil, err
	}
	pool = x.Clone()
	for d, size := range g.In {
		pool[2+d] = (size-1)*g.Strides[d] + g.Kernel[d] - g.Begin[d] - g.End[d]
	}
	if n.Input(2) == nil {
		return pool, pool, nil
	}
	whole, err = constant(n, 2, "output shape")
	if err != nil {
		return nil, nil, err
	}
	if len(whole) != len(pool) {
		return nil, nil, fmt.Errorf("an output of shape %v for an input of shape %v", whole, x)
	}
	for d, size := range pool {
		if whole[d] < size {
			return nil, nil, fmt.Errorf("an output of shape %v for indices into shape %v, which it must hold", whole, pool)
		}
	}
	return pool, whole, nil
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// SoftmaxGrad is dx = y*(dy - sum(dy*y)) along the attribute axis, from dy and y.
func init() {
	softmaxGradLike("SoftmaxGrad", func(dx, dy, y []float64) {
		total := 0.0
		for i := range y {
			total += dy[i] * y[i]
		}
		for i := range dx {
			dx[i] = y[i] * (dy[i] - total)
		}
	}, gradSoftmaxGrad, []op.Sample{{
		Name: "masked", In: []*tensor.Tensor{floats32([]int{2, 3}, 1, 2, 3, 4, 5, 6), floats32([]int{2, 3}, 0, 0, 0, 0, 0.25, 0.75)},
		Want: one(floats32([]int{2, 3}, 0, 0, 0, 0, -0.1875, 0.1875)),
	}})
}

// gradSoftmaxGrad, with g the gradient that arrives, s = sum(dy*y) and t = sum(g*y), is y*(g - t) for dy and
// g*(dy - s) - dy*t for y.
func gradSoftmaxGrad(b *op.Backward, kept tensor.Shape) {
	g, dy, y := b.Grad(0), b.In(0), b.In(1)
	b.Set(0, b.Internal("SoftmaxGrad", b.Node.Attrs, g, y))
	if !b.Want(1) {
		return
	}
	s, t := b.SumTo(b.Op("Mul", dy, y), kept), b.SumTo(b.Op("Mul", g, y), kept)
	first := b.Op("Mul", g, b.Op("Add", dy, times(b, s, -1)))
	b.Set(1, b.Op("Add", first, times(b, b.Op("Mul", dy, t), -1)))
}

// softmaxGradLike registers an internal operator on vectors of two tensors, dy and y. grad is told the shape with 1 for
// the axis of the vectors.
func softmaxGradLike(typ string, f func(dx, dy, y []float64), grad func(b *op.Backward, kept tensor.Shape), more []op.Sample) {
	op.Register(op.Def{
		Domain: op.Internal, Type: typ, Since: 1,
		Infer: func(n *graph.Node) error {
			if err := sameShapes(2)(n); err != nil {
				return err
			}
			_, err := axisOf(n, -1)
			return err
		},
		Grad: func(b *op.Backward) {
			axis, err := axisOf(b.Node, -1)
			if fails(b, err) {
				return
			}
			kept := b.In(0).Type.Shape.Clone()
			kept[axis] = 1
			grad(b, kept)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, -1)
			if err != nil {
				return err
			}
			dy, y := in[0].Float64s(), in[1].Float64s()
			l := vectorsOf(in[0].Shape, axis)
			buf := make([]float64, 3*l.along)
			dx, a, b := buf[:l.along], buf[l.along:2*l.along], buf[2*l.along:]
			l.each(func(at []int) {
				for k, i := range at {
					a[k], b[k] = dy[i], y[i]
				}
				f(dx, a, b)
				for k, i := range at {
					dy[i] = dx[k]
				}
			})
			out[0].SetFloat64s(dy)
			return nil
		},
		Samples: func() []op.Sample {
			along := func(name string, axis int, shape ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis),
					In: []*tensor.Tensor{op.Normalish(1, shape...), op.Uniform(2, 0, 1, shape...)}}
			}
			return append([]op.Sample{
				along("rows", -1, 3, 5),
				along("middle axis", 1, 2, 3, 4),
				along("first axis", 0, 3, 2),
			}, more...)
		},
	})
}

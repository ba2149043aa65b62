package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	softmaxLike("Softmax", softmax, "SoftmaxGrad", []float32{0.09003058, 0.24472848, 0.66524094})
}

// softmaxLike registers an operator on vectors: along one axis since opset 13; before that, all axes from the given one
// on make a vector. grad is the internal operator of dy and y that gives dx along one axis; "" for none. want is the
// result for (-1, 0, 1).
func softmaxLike(typ string, f func(x []float64), grad string, want []float32) {
	for _, since := range []int{1, 11, 13} {
		def := op.Def{
			Type: typ, Since: since,
			Infer: func(n *graph.Node) error {
				if err := sameAsFirst(1, 1, floats)(n); err != nil {
					return err
				}
				_, err := softmaxVectors(n)
				return err
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				l, err := softmaxVectors(n)
				if err != nil {
					return err
				}
				v := in[0].Float64s()
				x := make([]float64, l.along)
				l.each(func(at []int) {
					for a, i := range at {
						x[a] = v[i]
					}
					f(x)
					for a, i := range at {
						v[i] = x[a]
					}
				})
				out[0].SetFloat64s(v)
				return nil
			},
			Samples: func() []op.Sample { return softmaxSamples(want) },
		}
		if grad != "" {
			def.Grad = func(b *op.Backward) { b.Set(0, gradSoftmax(b, grad)) }
		}
		op.Register(def)
	}
}

func softmaxAxis(n *graph.Node) (int, error) {
	if n.Op.Since < 13 {
		return axisOf(n, 1)
	}
	return axisOf(n, -1)
}

func softmaxVectors(n *graph.Node) (vectors, error) {
	shape := shapeOf(n, 0)
	axis, err := softmaxAxis(n)
	switch {
	case err != nil:
		return vectors{}, err
	case n.Op.Since < 13:
		return vectors{shape[:axis].Elems(), shape[axis:].Elems(), 1}, nil
	default:
		return vectorsOf(shape, axis), nil
	}
}

func gradSoftmax(b *op.Backward, grad string) *graph.Value {
	l, err := softmaxVectors(b.Node)
	if fails(b, err) {
		return nil
	}
	axis, err := softmaxAxis(b.Node)
	if fails(b, err) {
		return nil
	}
	dy, y, shape := b.Grad(0), b.Out(0), b.In(0).Type.Shape
	if l.along == shape[axis] {
		return b.Internal(grad, graph.MakeAttrs("axis", axis), dy, y)
	}
	rows := tensor.Shape{l.outer, l.along}
	dx := b.Internal(grad, graph.MakeAttrs("axis", 1), b.Reshape(dy, rows), b.Reshape(y, rows))
	return b.Reshape(dx, shape)
}

// softmax replaces x by exp(x)/sum(exp(x)). A vector of -inf alone, such as the scores of a fully masked row of
// attention, becomes zeros: the limit does not exist, and NaN would spread to every weight of the model.
func softmax(x []float64) {
	top := largest(x)
	if math.IsInf(top, -1) {
		clear(x)
		return
	}
	total := 0.0
	for i := range x {
		x[i] = math.Exp(x[i] - top)
		total += x[i]
	}
	for i := range x {
		x[i] /= total
	}
}

// largest is the maximum, -inf of nothing, NaN where there is one.
func largest(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

func softmaxSamples(want []float32) []op.Sample {
	along := func(name string, axis int, shape ...int) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs("axis", axis), In: one(op.Normalish(1, shape...))}
	}
	row := op.Sample{Name: "row", Attrs: graph.MakeAttrs("axis", -1), In: one(floats32([]int{1, 3}, -1, 0, 1))}
	row.Want = one(floats32([]int{1, 3}, want...))
	large := op.Sample{Name: "large numbers", Attrs: row.Attrs, NoGrad: true,
		In: one(floats32([]int{1, 3}, 9999, 10000, 10001)), Want: row.Want}
	inf := float32(math.Inf(-1))
	masked := op.Sample{Name: "masked", Attrs: row.Attrs, In: one(floats32([]int{2, 3}, inf, inf, inf, inf, 0, inf)), NoGrad: true}
	return []op.Sample{
		row, large, masked,
		{Name: "default axis", In: one(op.Normalish(2, 3, 4))},
		along("last axis", -1, 2, 3, 4),
		along("middle axis", 1, 2, 3, 4),
		along("first axis", 0, 4, 3),
		along("channels of images", 1, 2, 3, 2, 2),
		{Name: "empty", In: one(tensor.New(tensor.Float32, 2, 0)), NoGrad: true},
	}
}

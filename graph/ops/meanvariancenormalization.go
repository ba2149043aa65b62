package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// mvnEpsilon is what ONNX adds to the standard deviation.
const mvnEpsilon = 1e-9

func init() {
	register(op.Def{
		Type: "MeanVarianceNormalization",
		Infer: func(n *graph.Node) error {
			if err := sameAsFirst(1, 1, floats)(n); err != nil {
				return err
			}
			_, err := mvnKept(n)
			return err
		},
		Grad: gradMVN,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			kept, err := mvnKept(n)
			if err != nil {
				return err
			}
			x, shape := in[0].Float64s(), in[0].Shape
			mean := reduceGroups(x, shape, kept, func(x []float64) float64 { m, _ := moments(x); return m })
			std := reduceGroups(x, shape, kept, func(x []float64) float64 { _, v := moments(x); return math.Sqrt(v) })
			walk(shape, func(i int, at []int) { x[i] = (x[i] - mean[at[0]]) / (std[at[0]] + mvnEpsilon) }, kept.BroadcastStrides(shape))
			out[0].SetFloat64s(x)
			return nil
		},
		Samples: func() []op.Sample {
			known := op.Sample{Name: "by hand", Attrs: graph.MakeAttrs("axes", []int{1}), In: one(floats32([]int{2, 2}, 1, 3, -2, 4)),
				Want: one(floats32([]int{2, 2}, -1, 1, -1, 1))}
			return []op.Sample{
				known,
				{Name: "images", In: one(op.Normalish(1, 2, 3, 2, 2))},
				{Name: "negative axis", Attrs: graph.MakeAttrs("axes", []int{-1, 0}), In: one(op.Normalish(2, 3, 2, 2))},
				{Name: "constant", Attrs: graph.MakeAttrs("axes", []int{1}), NoGrad: true,
					In: one(floats32([]int{1, 2}, 3, 3)), Want: one(floats32([]int{1, 2}, 0, 0))},
			}
		},
	}, 9, 13)
}

// mvnKept is the shape with 1 for the axes that statistics are taken over.
func mvnKept(n *graph.Node) (tensor.Shape, error) {
	given := n.Attrs.Ints("axes")
	if given == nil {
		given = []int{0, 2, 3}
	}
	list, err := axes(given, len(shapeOf(n, 0)))
	return keptShape(shapeOf(n, 0), list), err
}

// gradMVN, with s the standard deviation plus epsilon, is (dy - mean(dy) - y*mean(dy*y)*s/std)/s; nothing varies where
// std is 0, and the last term is left out there.
func gradMVN(b *op.Backward) {
	kept, err := mvnKept(b.Node)
	if fails(b, err) {
		return
	}
	x, y, dy := b.In(0), b.Out(0), b.Grad(0)
	share := float64(kept.Elems()) / float64(max(x.Type.Shape.Elems(), 1))
	mean := func(v *graph.Value) *graph.Value { return times(b, b.SumTo(v, kept), share) }
	centred := b.Op("Sub", x, mean(x))
	std := b.Op("Sqrt", mean(b.Op("Mul", centred, centred)))
	if b.Err != nil {
		return
	}
	s := b.Op("Add", std, b.Scalar(x, mvnEpsilon))
	along := b.Op("Mul", mean(b.Op("Mul", dy, y)), b.Op("Div", s, nonzero(b, std)))
	b.Set(0, b.Op("Div", b.Op("Sub", b.Op("Sub", dy, mean(dy)), b.Op("Mul", y, along)), s))
}

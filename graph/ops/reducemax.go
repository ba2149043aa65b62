package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	reduction{
		typ: "ReduceMax", axes: 18, since: []int{1, 11, 12, 13, 18, 20},
		float: largest,
		int: func(x []int64) int64 {
			top := int64(math.MinInt64)
			for _, v := range x {
				top = max(top, v)
			}
			return top
		},
		ordered: true, want: [2]float32{3, 6},
		grad: gradTies,
		more: func(since int) []op.Sample { return extremeSamples(since, 3, 1<<63) },
	}.register()
}

// gradTies shares the gradient evenly among all elements that equal the result, as PyTorch's amax and amin do.
func gradTies(g *reductionGrad) *graph.Value {
	b := g.Backward
	if b.Err != nil {
		return nil
	}
	hit := b.OpAttrs("Cast", graph.MakeAttrs("to", onnxType(g.x.Type.DType)), b.Op("Equal", g.x, g.y()))
	return b.Op("Mul", hit, b.Op("Div", g.dy, g.sum(hit)))
}

// extremeSamples reduce numbers that float64 cannot tell apart or sees as negative, with the given results.
func extremeSamples(since int, ties float32, unsigned uint64) []op.Sample {
	all := []op.Sample{
		{Name: "ties", In: one(floats32([]int{1, 4}, ties, 2, ties, 2)), Want: one(floats32([]int{1, 1}, ties)), NoGrad: true},
		{Name: "unsigned", In: one(tensor.Of(tensor.Shape{1, 2}, uint64(1), uint64(1<<63))),
			Want: one(tensor.Of(tensor.Shape{1, 1}, unsigned))},
	}
	least, most := limits(tensor.Int8)
	nothing := tensor.Vector(int8(least))
	if unsigned == 1 {
		nothing = tensor.Vector(int8(most))
	}
	all = append(all, op.Sample{Name: "no integers", In: one(tensor.New(tensor.Int8, 1, 0)), Want: one(nothing.Reshape(1, 1))})
	if since < 20 {
		return all
	}
	return append(all, op.Sample{Name: "bool", In: one(tensor.Of(tensor.Shape{3, 2}, false, false, true, false, true, true)),
		Want: one(tensor.Of(tensor.Shape{3, 1}, false, unsigned > 1, true))})
}

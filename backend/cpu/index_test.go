package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	shape := []int{9, 60, 70}
	x := normal(1, shape...)
	for axis := range 3 {
		attrs := graph.MakeAttrs("axis", axis)
		rows := []int{9, 60, 70}
		rows[axis] = 4
		index := ints(2, shape[axis], rows...)
		more("", "GatherElements", "along an axis", attrs, x, index)
		more("", "GatherElements", "booleans", attrs, bools(1, shape...), int32s(index))
		more("", "ScatterElements", "added", attrs.With("reduction", "add"), x, index, normal(3, rows...))
		more("", "ArgMax", "along an axis", attrs, x)
		more("", "ArgMin", "along an axis", attrs.With("keepdims", 0), x)
		for _, how := range []graph.Attrs{nil, graph.MakeAttrs("exclusive", 1), graph.MakeAttrs("reverse", 1)} {
			more("", "CumSum", "along an axis", how, x, tensor.Scalar(int64(axis))).Const = []int{1}
		}
		repeats := []int64{1, 1, 1}
		repeats[axis] = 3
		more("", "Tile", "along an axis", nil, x, tensor.Vector(repeats...)).Const = []int{1}
	}
	more("", "Tile", "two axes", nil, normal(1, 30, 40), tensor.Vector[int64](5, 4)).Const = []int{1}
	more("", "ScatterElements", "replaced", nil, normal(1, 100), distinct(100, 40), normal(2, 40))
	for _, upper := range []int{0, 1} {
		more("", "Trilu", "batch", graph.MakeAttrs("upper", upper), x, tensor.Scalar[int64](-3))
		more("", "Trilu", "booleans", graph.MakeAttrs("upper", upper), bools(1, 100, 90))
	}
	tuples := tensor.New(tensor.Int64, 50, 2)
	for i := range 50 {
		tuples.I64()[2*i], tuples.I64()[2*i+1] = int64(i%9), int64(i*7%60-30)
	}
	more("", "GatherND", "rows", nil, x, tuples)
	more("", "ScatterND", "rows", nil, x, tuples, normal(2, 50, 70))
	more("", "ScatterND", "rows added", graph.MakeAttrs("reduction", "add"), x, tuples, normal(2, 50, 70))
	more("", "GatherND", "batch", graph.MakeAttrs("batch_dims", 1), x, ints(3, 60, 9, 5, 1))
	more(op.Internal, "GatherNDGrad", "rows", graph.MakeAttrs("shape", shape), tuples, normal(2, 50, 70))
}

// distinct are count different indices below n, which 7 is no factor of.
func distinct(n, count int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, count)
	for i := range t.I64() {
		t.I64()[i] = int64(i * 7 % n)
	}
	return t
}

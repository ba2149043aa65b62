package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, perm := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}, {0, 1, 3, 2}, {0, 2, 3, 1}, {2, 0, 3, 1}, {1, 0, 2, 3}} {
		more("", "Transpose", "floats", graph.MakeAttrs("perm", perm), normal(1, 3, 35, 41, 7))
		more("", "Transpose", "integers", graph.MakeAttrs("perm", perm), ints(1, 100, 3, 5, 4, 67))
	}
	more("", "Transpose", "matrix", nil, normal(1, 333, 257))
	more("", "Transpose", "of booleans", nil, bools(1, 33, 57))
	for axis := range 3 {
		attrs := graph.MakeAttrs("axis", axis)
		a, b := []int{9, 60, 70}, []int{9, 60, 70}
		b[axis] = 5
		more("", "Concat", "two", attrs, normal(1, a...), normal(2, b...))
		sizes := []int64{4, int64(a[axis] - 5), 1}
		split := more("", "Split", "three", attrs, normal(1, a...), tensor.Vector(sizes...))
		split.Const, split.Outs = []int{1}, 3
		more("", "Gather", "rows", attrs, normal(1, a...), ints(2, a[axis], 4, 11))
		rows := append(append(append([]int{}, a[:axis]...), 4, 11), a[axis+1:]...)
		more(op.Internal, "ScatterAddRows", "rows", graph.MakeAttrs("axis", axis, "shape", a), ints(2, a[axis], 4, 11), normal(1, rows...))
	}
	more("", "Slice", "strided and backwards", nil, normal(1, 9, 60, 70), tensor.Vector[int64](-1, 3, 100), tensor.Vector[int64](-100, 59, 5),
		tensor.Vector[int64](0, 1, 2), tensor.Vector[int64](-2, 1, -3)).Const = []int{1, 2, 3, 4}
	more("", "Slice", "of rows", nil, normal(1, 9, 60, 70), tensor.Vector[int64](2), tensor.Vector[int64](7)).Const = []int{1, 2}
	more("", "Pad", "all sides", nil, normal(1, 9, 60, 70), tensor.Vector[int64](1, 0, 2, 0, 3, 1), tensor.Scalar(float32(0.5))).Const = []int{1, 2}
	more("", "Pad", "cropped", nil, normal(1, 9, 60, 70), tensor.Vector[int64](1, -2, 2, 0, -3, -1)).Const = []int{1}
	more("", "Expand", "of a row", nil, normal(1, 70), tensor.Vector[int64](9, 60, 70)).Const = []int{1}
	more("", "Expand", "of columns", nil, normal(1, 9, 60, 1), tensor.Vector[int64](9, 60, 70)).Const = []int{1}
	for _, to := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.Bool} {
		attrs := graph.MakeAttrs("to", map[tensor.DType]int{tensor.Float32: 1, tensor.Int64: 7, tensor.Bool: 9}[to])
		for _, x := range []*tensor.Tensor{op.Uniform(1, -9, 9, 17, 1001), ints(1, 9, 17, 1001), bools(1, 17, 1001)} {
			more("", "Cast", "to "+to.String(), attrs, x)
		}
	}
}

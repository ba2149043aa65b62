package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, c := range []struct {
		name  string
		x, y  []int
		attrs graph.Attrs
	}{
		{"nearest, twice", []int{3, 16, 30, 34}, []int{3, 16, 60, 68}, graph.MakeAttrs("nearest_mode", "floor", "coordinate_transformation_mode", "asymmetric")},
		{"nearest, smaller", []int{3, 16, 30, 34}, []int{3, 16, 11, 17}, nil},
		{"linear, twice", []int{3, 16, 30, 34}, []int{3, 16, 60, 68}, graph.MakeAttrs("mode", "linear")},
		{"linear, corners", []int{3, 16, 30, 34}, []int{3, 16, 41, 40}, graph.MakeAttrs("mode", "linear", "coordinate_transformation_mode", "align_corners")},
		{"linear, smaller", []int{3, 16, 30, 34}, []int{3, 16, 11, 17}, graph.MakeAttrs("mode", "linear")},
		{"cubic", []int{2, 3, 30, 34}, []int{2, 3, 45, 40}, graph.MakeAttrs("mode", "cubic")},
		{"three axes", []int{2, 3, 10, 12, 14}, []int{2, 3, 15, 24, 21}, graph.MakeAttrs("mode", "linear")},
		{"rows", []int{2, 3, 100}, []int{2, 3, 150}, graph.MakeAttrs("mode", "linear")},
	} {
		sizes := make([]int64, len(c.y))
		for i, size := range c.y {
			sizes[i] = int64(size)
		}
		more("", "Resize", c.name, c.attrs, normal(1, c.x...), nil, nil, tensor.Vector(sizes...)).Const = []int{3}
		more(op.Internal, "ResizeGrad", c.name, c.attrs.With("shape", c.x), normal(1, c.y...), nil, nil, tensor.Vector(sizes...)).Const = []int{3}
	}
	for _, mode := range []string{"reflect", "edge", "wrap"} {
		attrs := graph.MakeAttrs("mode", mode)
		pad := more("", "Pad", mode, attrs, normal(1, 3, 16, 30, 34), tensor.Vector[int64](0, 0, 2, 3, 0, 1, 1, -4))
		pad.Const, pad.opset = []int{1}, 19
		more(op.Internal, "PadGrad", mode, attrs.With("before", []int{0, 0, 2, 3}).With("after", []int{0, 1, 1, -4}).With("shape", []int{3, 16, 30, 34}),
			normal(1, 3, 17, 33, 33))
	}
}

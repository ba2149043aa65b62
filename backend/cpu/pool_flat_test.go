package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
)

func init() {
	for _, c := range []struct {
		name  string
		shape []int
		attrs graph.Attrs
	}{
		{"3x3, stride 2", []int{3, 5, 56, 56}, graph.MakeAttrs("kernel_shape", []int{3, 3}, "strides", []int{2, 2}, "pads", []int{1, 1, 1, 1})},
		{"3x3, stride 1", []int{3, 20, 14, 14}, graph.MakeAttrs("kernel_shape", []int{3, 3}, "pads", []int{1, 1, 1, 1})},
		{"2x2", []int{3, 5, 31, 40}, graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})},
		{"5x3, stride 3 and 4", []int{3, 5, 40, 75}, graph.MakeAttrs("kernel_shape", []int{5, 3}, "strides", []int{3, 4}, "pads", []int{2, 1, 0, 1})},
		{"dilated", []int{2, 3, 30, 33}, graph.MakeAttrs("kernel_shape", []int{3, 2}, "dilations", []int{2, 3})},
		{"more rows than in the last window", []int{2, 3, 20, 22}, graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{3, 3})},
		{"ceil", []int{2, 3, 28, 27}, graph.MakeAttrs("kernel_shape", []int{3, 3}, "strides", []int{2, 2}, "ceil_mode", 1)},
		{"lines", []int{2, 3, 100}, graph.MakeAttrs("kernel_shape", []int{3}, "strides", []int{2}, "pads", []int{1, 1})},
	} {
		x := normal(1, c.shape...)
		for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			x.F32()[17+11*i] = float32(v)
		}
		more("", "MaxPool", "flat, "+c.name, c.attrs, x)
	}
}

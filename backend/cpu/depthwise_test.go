package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// The depthwise convolutions of MobileNet, EfficientNet and ConvNeXt, and shapes that reach what is special: images that
// do not fill the last group, filters larger than planes, phases without taps, lines.
func init() {
	for _, c := range []struct {
		name      string
		x         []int
		kernel    []int
		strides   []int
		pads      []int
		dilations []int
	}{
		{name: "3x3", x: []int{3, 6, 32, 32}, kernel: []int{3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "3x3, stride 2", x: []int{3, 6, 32, 32}, kernel: []int{3, 3}, strides: []int{2, 2}, pads: []int{1, 1, 1, 1}},
		{name: "3x3, stride 2, odd", x: []int{5, 4, 15, 13}, kernel: []int{3, 3}, strides: []int{2, 2}, pads: []int{1, 1, 1, 1}},
		{name: "5x5, many images", x: []int{70, 3, 14, 14}, kernel: []int{5, 5}, pads: []int{2, 2, 2, 2}},
		{name: "5x5, stride 2, tiny", x: []int{9, 20, 4, 4}, kernel: []int{5, 5}, strides: []int{2, 2}, pads: []int{2, 2, 2, 2}},
		{name: "7x7", x: []int{2, 5, 14, 14}, kernel: []int{7, 7}, pads: []int{3, 3, 3, 3}},
		{name: "7x7 larger than planes", x: []int{4, 7, 2, 2}, kernel: []int{7, 7}, pads: []int{3, 3, 3, 3}},
		{name: "without padding", x: []int{2, 3, 9, 20}, kernel: []int{3, 4}},
		{name: "uneven padding", x: []int{2, 3, 9, 20}, kernel: []int{4, 3}, strides: []int{2, 1}, pads: []int{0, 1, 3, 2}},
		{name: "pointwise, stride 3", x: []int{3, 4, 10, 11}, kernel: []int{1, 1}, strides: []int{3, 3}},
		{name: "pointwise, stride 3 and 1", x: []int{3, 4, 10, 41}, kernel: []int{1, 1}, strides: []int{3, 1}},
		{name: "3x3, stride 4", x: []int{3, 4, 30, 75}, kernel: []int{3, 3}, strides: []int{4, 4}, pads: []int{1, 1, 1, 1}},
		{name: "dilated", x: []int{2, 4, 17, 19}, kernel: []int{3, 3}, strides: []int{2, 3}, pads: []int{2, 2, 2, 2}, dilations: []int{2, 2}},
		{name: "dilated beyond the plane", x: []int{2, 3, 4, 6}, kernel: []int{2, 2}, pads: []int{2, 2, 0, 0}, dilations: []int{5, 5}},
		{name: "large planes", x: []int{1, 2, 150, 140}, kernel: []int{3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "lines", x: []int{3, 5, 100}, kernel: []int{9}, strides: []int{2}, pads: []int{4, 4}},
	} {
		attrs := graph.MakeAttrs("group", c.x[1])
		for _, list := range []struct {
			name   string
			values []int
		}{{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}} {
			if list.values != nil {
				attrs = attrs.With(list.name, list.values)
			}
		}
		shape := append([]int{c.x[1], 1}, c.kernel...)
		x, w := normal(1, c.x...), normal(2, shape...)
		dy := normal(4, convolved(c.x, shape, attrs)...)
		name := "depthwise, " + c.name
		more("", "Conv", name, attrs, x, w, normal(3, c.x[1]))
		more(op.Internal, "ConvGradInput", name, attrs.With("shape", c.x), dy, w)
		more(op.Internal, "ConvGradWeight", name, attrs.With("shape", shape), dy, x)
	}
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The convolutions of residual and other networks, and shapes that reach what is special: images side by side of which
// the last ones are missing, rows with padding between them, planes in sections, many steps, and sums in one part.
func init() {
	for _, c := range []struct {
		name       string
		x, w       tensor.Shape
		strides    []int
		pads       []int
		dilations  []int
		group, out int
	}{
		{name: "rows of two vectors", x: tensor.Shape{3, 3, 32, 32}, w: tensor.Shape{16, 3, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "rows of one vector", x: tensor.Shape{2, 32, 16, 16}, w: tensor.Shape{32, 32, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "two side by side", x: tensor.Shape{5, 20, 8, 8}, w: tensor.Shape{18, 20, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "four side by side", x: tensor.Shape{7, 48, 4, 4}, w: tensor.Shape{33, 48, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "stride 2", x: tensor.Shape{3, 16, 32, 32}, w: tensor.Shape{20, 16, 3, 3}, strides: []int{2, 2}, pads: []int{1, 1, 1, 1}},
		{name: "stride 2, two side by side", x: tensor.Shape{3, 16, 16, 16}, w: tensor.Shape{20, 16, 3, 3}, strides: []int{2, 2}, pads: []int{1, 1, 1, 1}},
		{name: "stride 2, odd", x: tensor.Shape{3, 6, 15, 13}, w: tensor.Shape{5, 6, 5, 3}, strides: []int{2, 2}, pads: []int{2, 1, 1, 0}},
		{name: "stride 2 and 3", x: tensor.Shape{2, 4, 20, 31}, w: tensor.Shape{5, 4, 3, 5}, strides: []int{3, 2}, pads: []int{0, 2, 2, 1}, dilations: []int{2, 1}},
		{name: "pointwise, stride 2", x: tensor.Shape{3, 16, 16, 16}, w: tensor.Shape{32, 16, 1, 1}, strides: []int{2, 2}},
		{name: "pointwise", x: tensor.Shape{3, 40, 7, 7}, w: tensor.Shape{24, 40, 1, 1}},
		{name: "5x5", x: tensor.Shape{6, 6, 14, 14}, w: tensor.Shape{16, 6, 5, 5}},
		{name: "7x7, stride 2, in sections", x: tensor.Shape{1, 3, 112, 112}, w: tensor.Shape{16, 3, 7, 7}, strides: []int{2, 2}, pads: []int{3, 3, 3, 3}},
		{name: "in sections", x: tensor.Shape{1, 24, 56, 56}, w: tensor.Shape{32, 24, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "images side by side", x: tensor.Shape{16, 32, 9, 8}, w: tensor.Shape{40, 32, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "images side by side, some missing, in blocks", x: tensor.Shape{30, 96, 10, 14}, w: tensor.Shape{64, 96, 3, 3}, pads: []int{0, 1, 2, 1}},
		{name: "filters that workers share", x: tensor.Shape{5, 144, 6, 10}, w: tensor.Shape{130, 144, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "one part", x: tensor.Shape{4, 160, 5, 5}, w: tensor.Shape{192, 160, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "groups", x: tensor.Shape{3, 36, 9, 9}, w: tensor.Shape{30, 12, 3, 3}, pads: []int{1, 1, 1, 1}, group: 3},
		{name: "dilated", x: tensor.Shape{3, 18, 17, 17}, w: tensor.Shape{10, 18, 3, 3}, pads: []int{2, 2, 2, 2}, dilations: []int{2, 2}},
		{name: "patches", x: tensor.Shape{3, 3, 32, 32}, w: tensor.Shape{40, 3, 4, 4}, strides: []int{4, 4}},
		{name: "large strides", x: tensor.Shape{1, 2, 30, 70}, w: tensor.Shape{3, 2, 3, 3}, strides: []int{7, 9}, pads: []int{1, 1, 1, 1}},
		{name: "stride 2 down rows of five vectors", x: tensor.Shape{2, 3, 12, 90}, w: tensor.Shape{17, 3, 3, 3}, strides: []int{2, 1}, pads: []int{1, 1, 1, 1}},
		{name: "lines", x: tensor.Shape{3, 10, 100}, w: tensor.Shape{12, 10, 9}, strides: []int{2}, pads: []int{4, 4}},
	} {
		attrs := graph.Attrs(nil)
		for name, list := range map[string][]int{"strides": c.strides, "pads": c.pads, "dilations": c.dilations} {
			if list != nil {
				attrs = attrs.With(name, list)
			}
		}
		attrs = attrs.With("group", max(c.group, 1))
		x, w := op.Normalish(1, c.x...), op.Normalish(2, c.w...)
		forward := op.Sample{Name: c.name, Attrs: attrs, In: []*tensor.Tensor{x, w, op.Normalish(3, c.w[0])}}
		dy := op.Normalish(4, convolved(c.x, c.w, attrs)...)
		larger = append(larger,
			largerCall{typ: "Conv", Sample: forward},
			largerCall{domain: op.Internal, typ: "ConvGradInput", Sample: op.Sample{Name: c.name, Attrs: attrs.With("shape", []int(c.x)), In: []*tensor.Tensor{dy, w}}},
			largerCall{domain: op.Internal, typ: "ConvGradWeight", Sample: op.Sample{Name: c.name, Attrs: attrs.With("shape", []int(c.w)), In: []*tensor.Tensor{dy, x}}})
	}
}

// convolved is the shape of the convolution.
func convolved(x, w tensor.Shape, attrs graph.Attrs) []int {
	y := []int{x[0], w[0]}
	dims := len(x) - 2
	strides, pads, dilations := attrs.Ints("strides"), attrs.Ints("pads"), attrs.Ints("dilations")
	for d := range dims {
		size, stride, dilation := x[2+d], 1, 1
		if pads != nil {
			size += pads[d] + pads[dims+d]
		}
		if strides != nil {
			stride = strides[d]
		}
		if dilations != nil {
			dilation = dilations[d]
		}
		y = append(y, (size-(w[2+d]-1)*dilation-1)/stride+1)
	}
	return y
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// convSample is a convolution to test: shapes, and attributes that the operator has a value for when absent.
type convSample struct {
	name    string
	x, w, y tensor.Shape
	attrs   graph.Attrs
	bias    bool
}

var convCases = []convSample{
	{"3x3 padded", tensor.Shape{2, 3, 5, 6}, tensor.Shape{4, 3, 3, 3}, tensor.Shape{2, 4, 5, 6}, graph.MakeAttrs("pads", []int{1, 1, 1, 1}), true},
	{"stride 2", tensor.Shape{1, 2, 7, 8}, tensor.Shape{3, 2, 3, 3}, tensor.Shape{1, 3, 4, 4}, graph.MakeAttrs("pads", []int{1, 1, 1, 1}, "strides", []int{2, 2}), false},
	{"uneven", tensor.Shape{2, 1, 6, 9}, tensor.Shape{2, 1, 2, 3}, tensor.Shape{2, 2, 2, 7},
		graph.MakeAttrs("pads", []int{0, 2, 1, 0}, "strides", []int{3, 1}, "dilations", []int{1, 2}), true},
	{"pointwise", tensor.Shape{2, 4, 3, 3}, tensor.Shape{5, 4, 1, 1}, tensor.Shape{2, 5, 3, 3}, nil, true},
	{"pointwise, stride 2", tensor.Shape{1, 4, 5, 5}, tensor.Shape{2, 4, 1, 1}, tensor.Shape{1, 2, 3, 3}, graph.MakeAttrs("strides", []int{2, 2}), false},
	{"groups", tensor.Shape{2, 4, 5, 5}, tensor.Shape{6, 2, 3, 3}, tensor.Shape{2, 6, 3, 3}, graph.MakeAttrs("group", 2), true},
	{"depthwise", tensor.Shape{2, 3, 5, 5}, tensor.Shape{3, 1, 3, 3}, tensor.Shape{2, 3, 5, 5}, graph.MakeAttrs("group", 3, "pads", []int{1, 1, 1, 1}), false},
	{"larger than the input", tensor.Shape{1, 1, 2, 2}, tensor.Shape{1, 1, 5, 5}, tensor.Shape{1, 1, 2, 2}, graph.MakeAttrs("pads", []int{2, 2, 2, 2}), false},
	{"patches", tensor.Shape{2, 3, 8, 8}, tensor.Shape{6, 3, 4, 4}, tensor.Shape{2, 6, 2, 2}, graph.MakeAttrs("strides", []int{4, 4}), true},
	{"1d", tensor.Shape{2, 3, 9}, tensor.Shape{4, 3, 3}, tensor.Shape{2, 4, 4}, graph.MakeAttrs("strides", []int{2}, "kernel_shape", []int{3}), true},
	{"3d", tensor.Shape{1, 2, 4, 5, 4}, tensor.Shape{2, 2, 2, 3, 2}, tensor.Shape{1, 2, 5, 3, 2},
		graph.MakeAttrs("pads", []int{1, 0, 0, 1, 0, 0}, "strides", []int{1, 1, 2}), true},
}

// convSamples add to the cases the automatic paddings, and values from PyTorch's conv2d.
func convSamples() []op.Sample {
	var all []op.Sample
	for _, c := range append(convCases,
		convSample{"same upper", tensor.Shape{1, 2, 5, 4}, tensor.Shape{2, 2, 2, 3}, nil, graph.MakeAttrs("auto_pad", "SAME_UPPER", "strides", []int{2, 1}), true},
		convSample{"same lower", tensor.Shape{1, 2, 5, 4}, tensor.Shape{2, 2, 2, 3}, nil, graph.MakeAttrs("auto_pad", "SAME_LOWER"), false},
		convSample{"valid", tensor.Shape{1, 2, 5, 4}, tensor.Shape{2, 2, 2, 3}, nil, graph.MakeAttrs("auto_pad", "VALID"), false},
	) {
		s := op.Sample{Name: c.name, Attrs: c.attrs, In: []*tensor.Tensor{op.Normalish(1, c.x...), op.Normalish(2, c.w...)}}
		if c.bias {
			s.In = append(s.In, op.Normalish(3, c.w[0]))
		}
		all = append(all, s)
	}
	return append(all,
		op.Sample{Name: "values", Attrs: graph.MakeAttrs("strides", []int{2, 1}, "pads", []int{1, 1, 1, 1}, "dilations", []int{1, 2}),
			In:   []*tensor.Tensor{count(1, 1, 3, 4), count(2, 1, 2, 2), floats32([]int{2}, 1, -1)},
			Want: one(floats32([]int{1, 2, 2, 4}, 4, 7, 12, 5, 33, 53, 59, 21, 6, 13, 26, 11, 87, 163, 185, 83))},
		op.Sample{Name: "values of groups", Attrs: graph.MakeAttrs("group", 2, "pads", []int{0, 1, 1, 0}),
			In:   []*tensor.Tensor{count(1, 2, 2, 2), count(2, 1, 2, 2)},
			Want: one(floats32([]int{1, 2, 2, 2}, 6, 14, 2, 3, 62, 126, 30, 59))})
}

// convGradSamples are the gradients of the cases.
func convGradSamples(typ string) []op.Sample {
	var all []op.Sample
	for _, c := range convCases {
		s := op.Sample{Name: c.name, Attrs: c.attrs.With("shape", []int(c.x)), In: []*tensor.Tensor{op.Normalish(1, c.y...), op.Normalish(2, c.w...)}}
		if typ == "ConvGradWeight" {
			s.Attrs, s.In[1] = c.attrs.With("shape", []int(c.w)), op.Normalish(2, c.x...)
		}
		all = append(all, s)
	}
	return all
}

package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The convolutions in bf16 are tested with numbers that are exact in it, so that only their results are rounded: those of
// the float32 kernels, the operators' samples, and geometries that reach what pairs and blocks make special.
func init() {
	for _, c := range []struct {
		name       string
		x, w       tensor.Shape
		strides    []int
		pads       []int
		dilations  []int
		group, out int
	}{
		{name: "one image", x: tensor.Shape{1, 9, 11, 13}, w: tensor.Shape{33, 9, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "one channel", x: tensor.Shape{5, 1, 9, 9}, w: tensor.Shape{1, 1, 5, 5}, pads: []int{2, 2, 2, 2}},
		{name: "channels of a block and one more", x: tensor.Shape{3, 33, 6, 5}, w: tensor.Shape{65, 33, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "channels of half a block", x: tensor.Shape{9, 48, 3, 3}, w: tensor.Shape{40, 48, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "tiny images", x: tensor.Shape{19, 17, 1, 2}, w: tensor.Shape{18, 17, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "asymmetric padding", x: tensor.Shape{4, 10, 9, 8}, w: tensor.Shape{11, 10, 3, 4}, strides: []int{2, 1}, pads: []int{0, 3, 2, 1}},
		{name: "stride 3", x: tensor.Shape{5, 20, 17, 16}, w: tensor.Shape{21, 20, 5, 5}, strides: []int{3, 3}, pads: []int{2, 1, 0, 2}},
		{name: "stride larger than the filter", x: tensor.Shape{5, 12, 10, 9}, w: tensor.Shape{7, 12, 2, 1}, strides: []int{3, 2}},
		{name: "dilated and strided", x: tensor.Shape{3, 18, 19, 15}, w: tensor.Shape{10, 18, 3, 3}, strides: []int{2, 2}, pads: []int{3, 2, 1, 4}, dilations: []int{3, 2}},
		{name: "7x7", x: tensor.Shape{4, 3, 30, 28}, w: tensor.Shape{20, 3, 7, 7}, strides: []int{2, 2}, pads: []int{3, 3, 3, 3}},
		{name: "pointwise, in sections", x: tensor.Shape{1, 70, 56, 60}, w: tensor.Shape{40, 70, 1, 1}},
		{name: "unpadded", x: tensor.Shape{2, 34, 7, 32}, w: tensor.Shape{35, 34, 3, 3}},
		{name: "padded in one direction", x: tensor.Shape{2, 34, 7, 30}, w: tensor.Shape{35, 34, 3, 3}, pads: []int{1, 0, 1, 0}},
		{name: "groups of odd channels", x: tensor.Shape{3, 27, 8, 8}, w: tensor.Shape{33, 9, 3, 3}, pads: []int{1, 1, 1, 1}, group: 3},
		{name: "groups of few channels", x: tensor.Shape{3, 8, 7, 9}, w: tensor.Shape{12, 2, 3, 3}, pads: []int{1, 1, 1, 1}, group: 4},
		{name: "every channel for itself", x: tensor.Shape{6, 20, 9, 9}, w: tensor.Shape{20, 1, 3, 3}, pads: []int{1, 1, 1, 1}, group: 20},
		{name: "in chunks of images", x: tensor.Shape{5, 64, 60, 40}, w: tensor.Shape{64, 1, 3, 3}, pads: []int{1, 1, 1, 1}, group: 64},
		{name: "many weights", x: tensor.Shape{5, 130, 2, 3}, w: tensor.Shape{132, 130, 3, 3}, pads: []int{1, 1, 1, 1}},
		{name: "many weights, in sections", x: tensor.Shape{1, 128, 40, 33}, w: tensor.Shape{114, 128, 3, 3}, strides: []int{2, 2}, pads: []int{1, 1, 1, 1}},
		{name: "many filters of few channels", x: tensor.Shape{5, 8, 2, 3}, w: tensor.Shape{400, 8, 7, 7}, pads: []int{3, 3, 3, 3}},
	} {
		attrs := graph.Attrs(nil)
		for name, list := range map[string][]int{"strides": c.strides, "pads": c.pads, "dilations": c.dilations} {
			if list != nil {
				attrs = attrs.With(name, list)
			}
		}
		attrs = attrs.With("group", max(c.group, 1))
		x, w, y := op.Normalish(1, c.x...), op.Normalish(2, c.w...), op.Normalish(4, convolved(c.x, c.w, attrs)...)
		addHalfConv("Conv", op.Sample{Name: c.name, Attrs: attrs, In: []*tensor.Tensor{x, w, op.Normalish(3, c.w[0])}})
		addHalfConv("ConvGradInput", op.Sample{Name: c.name, Attrs: attrs.With("shape", []int(c.x)), In: []*tensor.Tensor{y, w}})
		addHalfConv("ConvGradWeight", op.Sample{Name: c.name, Attrs: attrs.With("shape", []int(c.w)), In: []*tensor.Tensor{y, x}})
	}
	for _, l := range slices.Clone(larger) {
		if l.out == tensor.Invalid && l.Name != "in sections" && l.Name != "one part" { // which take the portable kernel long
			addHalfConv(l.typ, l.Sample)
		}
	}
	for _, def := range op.All() {
		if def.Samples != nil {
			for _, s := range def.Samples() {
				addHalfConv(def.Type, s)
			}
		}
	}
}

// addHalfConv adds a sample of a convolution, or of a gradient of one, with activations in bf16.
func addHalfConv(typ string, s op.Sample) {
	if l := halfConvCall(typ, s); l.out != tensor.Invalid {
		larger = append(larger, l)
	}
}

// halfConvCall is a sample with activations in bf16 and all numbers exact in it.
func halfConvCall(typ string, s op.Sample) largerCall {
	l := largerCall{domain: op.Internal, typ: typ, Sample: s, out: tensor.BFloat16Type}
	halves := 1
	switch typ {
	case "Conv":
		l.domain = ""
	case "ConvGradInput":
	case "ConvGradWeight":
		l.out, halves = tensor.Float32, 2
	default:
		return largerCall{}
	}
	l.Name += ", bf16"
	l.In = slices.Clone(s.In)
	for i, t := range s.In {
		if t == nil || t.DType != tensor.Float32 {
			continue
		}
		half := tensor.New(tensor.BFloat16Type, t.Shape...)
		half.SetFloat64s(t.Float64s())
		if l.In[i] = half; i >= halves {
			l.In[i] = tensor.New(tensor.Float32, t.Shape...)
			l.In[i].SetFloat64s(half.Float64s())
		}
	}
	return l
}

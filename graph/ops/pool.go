package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// poolWindow is what one output of a plane is computed from: offsets of inputs, row-major, and how many of the taps
// lie on the input or its padding. Windows of ceil mode have taps beyond both.
type poolWindow struct {
	inside []int
	padded int
}

// fill makes it the window of output o, of a geometry of three axes.
func (w *poolWindow) fill(full *Geometry, o int) {
	out := unflatten(full.Out, o)
	w.inside, w.padded = w.inside[:0], 0
	walk(full.Kernel, func(k int, _ []int) {
		in, inside, padded := full.tap(out, unflatten(full.Kernel, k))
		if inside {
			w.inside = append(w.inside, in)
		}
		if padded {
			w.padded++
		}
	})
}

// tap is the offset in a plane of what tap brings to out, and whether that lies on the input or on the padded input.
func (g *Geometry) tap(out, tap []int) (in int, inside, padded bool) {
	inside, padded = true, true
	for d := range out {
		i, ok := g.at(d, out[d], tap[d])
		inside = inside && ok
		padded = padded && i < g.In[d]+g.End[d]
		in = in*g.In[d] + i
	}
	return in, inside, padded
}

// unflatten is the index of element i of a shape in row-major order.
func unflatten(shape tensor.Shape, i int) []int {
	index := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		index[d] = i % shape[d]
		i /= shape[d]
	}
	return index
}

// pooled calls fn for every output with its window, of which there is one at a time, and the offset of the window's plane in
// the input.
func (g *Geometry) pooled(fn func(out, plane int, w *poolWindow)) {
	full := g.threeDims()
	size, outs := tensor.Shape(g.In).Elems(), tensor.Shape(g.Out).Elems()
	var w poolWindow
	for o := range outs {
		w.fill(full, o)
		for p := range g.Batch * g.InChannels {
			fn(p*outs+o, p*size, &w)
		}
	}
}

// inferPool types the output of a pooling operator over elements of types s.
func inferPool(n *graph.Node, s types) error {
	if err := inputs(n, 1, 1); err != nil {
		return err
	}
	if err := allow(n, 0, s); err != nil {
		return err
	}
	g, err := PoolGeometry(n)
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), g.outShape())
}

// inferPoolGrad types the gradient of a pooling operator's input, from its gradient and the input.
func inferPoolGrad(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	if err := sameType(n, floats, 0, 1); err != nil {
		return err
	}
	g, err := PoolGeometry(n)
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), g.inShape())
}

// poolCase is pooling to test.
type poolCase struct {
	name  string
	x, y  tensor.Shape
	attrs graph.Attrs
}

var poolCases = []poolCase{
	{"2x2", tensor.Shape{2, 3, 4, 6}, tensor.Shape{2, 3, 2, 3}, graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})},
	{"3x3, stride 2, padded", tensor.Shape{2, 2, 7, 8}, tensor.Shape{2, 2, 4, 4},
		graph.MakeAttrs("kernel_shape", []int{3, 3}, "strides", []int{2, 2}, "pads", []int{1, 1, 1, 1})},
	{"overlapping", tensor.Shape{1, 2, 5, 5}, tensor.Shape{1, 2, 3, 4}, graph.MakeAttrs("kernel_shape", []int{3, 2})},
	{"uneven", tensor.Shape{1, 1, 6, 5}, tensor.Shape{1, 1, 3, 5},
		graph.MakeAttrs("kernel_shape", []int{2, 3}, "strides", []int{2, 1}, "pads", []int{0, 1, 0, 1})},
	{"1d", tensor.Shape{2, 2, 9}, tensor.Shape{2, 2, 4}, graph.MakeAttrs("kernel_shape", []int{3}, "strides", []int{2})},
	{"3d", tensor.Shape{1, 2, 4, 5, 4}, tensor.Shape{1, 2, 3, 2, 3},
		graph.MakeAttrs("kernel_shape", []int{2, 3, 2}, "strides", []int{2, 2, 1}, "pads", []int{1, 0, 0, 1, 0, 0})},
}

// poolSamples are the cases, with the padding modes of ai.onnx.
func poolSamples(more ...poolCase) []op.Sample {
	auto := func(mode string) poolCase {
		return poolCase{name: mode, x: tensor.Shape{1, 2, 5, 4},
			attrs: graph.MakeAttrs("auto_pad", mode, "kernel_shape", []int{2, 3}, "strides", []int{2, 1})}
	}
	var all []op.Sample
	for _, c := range append(append(more, poolCases...), auto("SAME_UPPER"), auto("SAME_LOWER"), auto("VALID")) {
		all = append(all, op.Sample{Name: c.name, Attrs: c.attrs, In: one(op.Normalish(1, c.x...))})
	}
	return all
}

// poolGradSamples are the cases for operators of dy and x.
func poolGradSamples(attrs ...any) []op.Sample {
	var all []op.Sample
	for _, c := range poolCases {
		for i := 0; i < len(attrs); i += 2 {
			c.attrs = c.attrs.With(attrs[i].(string), attrs[i+1])
		}
		all = append(all, op.Sample{Name: c.name, Attrs: c.attrs, In: []*tensor.Tensor{op.Normalish(1, c.y...), op.Normalish(2, c.x...)}})
	}
	return all
}

// wide is pooling in ceil mode whose last windows reach over the padding, and holed is pooling with dilations.
var (
	wide = poolCase{name: "ceil", x: tensor.Shape{1, 2, 6, 5},
		attrs: graph.MakeAttrs("kernel_shape", []int{3, 3}, "strides", []int{2, 2}, "ceil_mode", 1, "pads", []int{0, 1, 0, 1})}
	holed = poolCase{name: "dilated", x: tensor.Shape{1, 2, 6, 6},
		attrs: graph.MakeAttrs("kernel_shape", []int{2, 3}, "dilations", []int{3, 2}, "pads", []int{1, 1, 1, 1})}
)

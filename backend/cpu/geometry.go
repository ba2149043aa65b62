package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/ops"
)

// conv2dOf is the geometry of a Conv, ConvGradInput or ConvGradWeight node over lines or planes; false for one over
// volumes.
func conv2dOf(n *graph.Node) (*conv2d, bool) {
	g, err := ops.ConvGeometry(n)
	if err != nil || g.Dims() > 2 {
		return nil, false
	}
	in, out, kernel := plane(g.In, 1), plane(g.Out, 1), plane(g.Kernel, 1)
	stride, dilation, pad := plane(g.Strides, 1), plane(g.Dilations, 1), plane(g.Begin, 0)
	return &conv2d{
		n: g.Batch, g: g.Group, m: g.OutChannels / g.Group, c: g.InChannels / g.Group,
		ih: in[0], iw: in[1], oh: out[0], ow: out[1], kh: kernel[0], kw: kernel[1],
		sh: stride[0], sw: stride[1], dh: dilation[0], dw: dilation[1], ph: pad[0], pw: pad[1],
	}, true
}

// plane makes two numbers of those of one or two axes; one is for the axis that a line lacks.
func plane(axes []int, one int) [2]int {
	if len(axes) == 1 {
		return [2]int{one, axes[0]}
	}
	return [2]int{axes[0], axes[1]}
}

// pool2dOf is the geometry of a pooling node or of the gradient of one, over lines or planes; false for one over volumes.
func pool2dOf(n *graph.Node) (*pool2d, bool) {
	g, err := ops.PoolGeometry(n)
	if err != nil || g.Dims() > 2 {
		return nil, false
	}
	in, out, kernel := plane(g.In, 1), plane(g.Out, 1), plane(g.Kernel, 1)
	stride, dilation, begin, end := plane(g.Strides, 1), plane(g.Dilations, 1), plane(g.Begin, 0), plane(g.End, 0)
	return &pool2d{
		count: g.Batch * g.InChannels,
		ih:    in[0], iw: in[1], oh: out[0], ow: out[1], kh: kernel[0], kw: kernel[1],
		sh: stride[0], sw: stride[1], dh: dilation[0], dw: dilation[1],
		ph: begin[0], pw: begin[1], qh: end[0], qw: end[1],
	}, true
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "conv_transpose", Op: onnx("ConvTranspose"), Tol: Tol{Abs: 2e-5, Rel: 2e-5},
		When: func(n *graph.Node) bool {
			_, k := convTransposeOf(n)
			return k != nil
		},
		Scratch: func(n *graph.Node, threads int) int {
			grad, k := convTransposeOf(n)
			if k.Scratch == nil {
				return 0
			}
			return k.Scratch(grad, threads)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			grad, k := convTransposeOf(n)
			spread, err := k.Bind(grad, in[:2], out, s)
			if err != nil || elements(in, 2) == nil {
				return spread, err
			}
			addBias := bindChannelBias(in[2].F32(), out[0], s)
			return func() error {
				err := spread()
				addBias()
				return err
			}, nil
		},
	})
}

// convTransposeOf is the gradient of a convolution's input that a ConvTranspose node computes before it adds the bias,
// and the best kernel for it; nil when there is none.
func convTransposeOf(n *graph.Node) (*graph.Node, *Kernel) {
	g, err := ops.ConvTransposeGeometry(n)
	if err != nil || !allFloat32(n) {
		return nil, nil
	}
	attrs := graph.MakeAttrs("kernel_shape", g.Kernel, "strides", g.Strides, "dilations", g.Dilations, "group", g.Group,
		"pads", append(append([]int{}, g.Begin...), g.End...), "shape", []int(n.Out[0].Type.Shape))
	grad := &graph.Node{Name: n.Name, Op: graph.OpID{Domain: op.Internal, Type: "ConvGradInput", Since: 1}, Attrs: attrs, In: n.In[:2], Out: n.Out}
	fit := Candidates(grad)
	if len(fit) == 0 {
		return nil, nil
	}
	return grad, &fit[0]
}

// bindChannelBias adds a number to each channel of [N, C, …].
func bindChannelBias(bias []float32, t *tensor.Tensor, s Scratch) func() {
	c, y := channelsOf(t), t.F32()
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			plane := c.at(y, i/c.c, i%c.c)
			addVS(plane, plane, bias[i%c.c])
		}
	}
	return func() { s.Pool.For(c.n*c.c, max(1, chunk/max(c.plane, 1)), body) }
}

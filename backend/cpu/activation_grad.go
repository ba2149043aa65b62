package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	internal := func(typ string) graph.OpID { return graph.OpID{Domain: op.Internal, Type: typ} }
	for _, k := range []Kernel{
		zipKernel("relu_grad", internal("ReluGrad"), linalg.ReluGrad),
		zipKernel("sigmoid_grad", internal("SigmoidGrad"), linalg.SigmoidGrad),
		zipKernel("tanh_grad", internal("TanhGrad"), linalg.TanhGrad),
		zipWith("gelu_grad", internal("GeluGrad"), func(n *graph.Node) func(dst, dy, x []float32) {
			if n.Attrs.String("approximate", "none") == "tanh" {
				return linalg.GeluTanhGrad
			}
			return linalg.GeluGrad
		}),
		{Name: "clip_grad", Op: internal("ClipGrad"), InPlace: []int{0, 1}, When: allFloat, Half: halfAmong([]int{0, 1}, []int{0}),
			Scratch: elementRooms, Bind: bindClipGrad},
	} {
		Register(k)
	}
}

// bindClipGrad lets the gradient through where x is within the bounds, both included, as PyTorch does.
func bindClipGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := newBounds(n, in, 2)
	return bindZip(s, out[0], in[0], in[1], func(dst, dy, x []float32) {
		low, high := b.now()
		linalg.ClampGrad(dst, dy, x, low, high)
	}), nil
}

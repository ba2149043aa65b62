package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "NegativeLogLikelihoodLoss",
		Infer: func(n *graph.Node) error {
			if err := inferLabelled(n, 0, 1, 2); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), lossShape(n, 1))
		},
		NoGrad: []int{1, 2},
		Grad: func(b *op.Backward) {
			in := append([]*graph.Value{b.Grad(0)}, b.Node.In[1:]...)
			b.Set(0, b.Internal("NegativeLogLikelihoodGrad", b.Node.Attrs.With("shape", []int(b.In(0).Type.Shape)), in...))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			return labelledLoss(n, in[0].Float64s(), vectorsOf(in[0].Shape, 1), in[1:], out[0])
		},
		Samples: func() []op.Sample {
			// torch.nn.functional.nll_loss(…, weight=[0.5, 2, 0.25])
			known := op.Sample{Name: "by hand", Want: one(tensor.Scalar[float32](2.2)), In: []*tensor.Tensor{
				floats32([]int{2, 3}, -3, -2, -1, -1, -2, -3), tensor.Vector[int64](0, 1), floats32([]int{3}, 0.5, 2, 0.25)}}
			return append(labelledSamples(), known)
		},
	}, 12, 13, 22)
}

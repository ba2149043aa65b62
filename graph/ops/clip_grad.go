package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ClipGrad(dy, x, low?, high?) is dy where x is within the bounds, both included, as in PyTorch, and 0 elsewhere. The
// bounds may be the attributes min and max instead, as Clip has them before opset 11.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "ClipGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := sameShapes(2)(n); err != nil {
				return err
			}
			return inferClip(n, 2, 4, floats)
		},
		NoGrad: []int{1, 2, 3},
		Grad: func(b *op.Backward) {
			in := append([]*graph.Value{b.Grad(0)}, b.Node.In[1:]...)
			b.Set(0, b.Internal("ClipGrad", b.Node.Attrs, in...))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			lowest, highest := clipBounds(n, in, 2)
			low, high := lowest.Float64s()[0], highest.Float64s()[0]
			mapPairs(out[0], in[0], in[1], func(dy, x float64) float64 {
				if x >= low && x <= high {
					return dy
				}
				return 0
			})
			return nil
		},
		Samples: func() []op.Sample {
			dy, x := op.Uniform(1, -1, 1, 3, 7), op.Uniform(2, -2, 2, 3, 7)
			low, high := tensor.Scalar[float32](-1), tensor.Vector[float32](1)
			edges := []*tensor.Tensor{tensor.Vector[float32](1, 2, 3, 4, 5), tensor.Vector[float32](-1.5, -1, 0, 1, 1.5),
				low, high}
			return []op.Sample{
				example("edges", tensor.Vector[float32](0, 2, 3, 4, 0), edges...),
				{Name: "high", In: []*tensor.Tensor{dy, x, nil, high}},
				{Name: "low", In: []*tensor.Tensor{dy, x, low}},
				{Name: "attributes", Attrs: graph.MakeAttrs("min", -0.5, "max", 0.5), In: []*tensor.Tensor{dy, x}},
				{Name: "no bounds", In: []*tensor.Tensor{dy, x}},
			}
		},
	})
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// MaxPoolGrad is the gradient of MaxPool's input, from dy and x: dy goes to the first maximum of each window.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "MaxPoolGrad", Since: 1,
		Infer: inferPoolGrad,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := PoolGeometry(n)
			if err != nil {
				return err
			}
			dy, x := in[0].Float64s(), in[1].Float64s()
			dx := make([]float64, len(x))
			g.pooled(func(o, plane int, w *poolWindow) {
				if at := w.argmax(x[plane:]); at >= 0 {
					dx[plane+at] += dy[o]
				}
			})
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample { return poolGradSamples() },
	})
}

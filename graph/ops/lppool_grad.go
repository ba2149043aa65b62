package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LpPoolGrad is the gradient of LpPool's input, from dy and x: sign(x)*(|x|/y)^(p-1)*dy, where y is the window's norm,
// and 0 where that is 0.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "LpPoolGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := checkNorm(n); err != nil {
				return err
			}
			return inferPoolGrad(n)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := PoolGeometry(n)
			if err != nil {
				return err
			}
			dy, x := in[0].Float64s(), in[1].Float64s()
			dx := make([]float64, len(x))
			p := float64(n.Attrs.Int("p", 2))
			g.pooled(func(o, plane int, w *poolWindow) {
				y := w.norm(x[plane:], p)
				if y == 0 {
					return
				}
				for _, i := range w.inside {
					if v := x[plane+i]; v != 0 {
						dx[plane+i] += dy[o] * math.Copysign(math.Pow(math.Abs(v)/y, p-1), v)
					}
				}
			})
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample { return poolGradSamples("p", 3) },
	})
}

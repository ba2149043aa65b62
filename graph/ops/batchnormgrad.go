package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BatchNormGrad gives dx, dscale and dbias from dy, x, scale and the batch's mean and inverse standard deviation.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "BatchNormGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 5, 5); err != nil {
				return err
			}
			if dy, x := n.In[0], n.In[1]; !dy.Type.Shape.Equal(x.Type.Shape) {
				return fmt.Errorf("inputs %q and %q have different shapes, %v and %v", dy.Name, x.Name, dy.Type.Shape, x.Type.Shape)
			}
			if err := sameType(n, floats, 0, 1); err != nil {
				return err
			}
			if err := rank(n, 1, 1, -1); err != nil {
				return err
			}
			if err := perChannel(n, 1, 2, 3, 4); err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 1), shapeOf(n, 1)); err != nil {
				return err
			}
			for i := 1; i < 3; i++ {
				if err := set(n, i, typeOf(n, 2), shapeOf(n, 2)); err != nil {
					return err
				}
			}
			return nil
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			dx, dscale, dbias := batchNormGrad(in[0].Float64s(), in[1], in[2], in[3], in[4])
			setOutputs(out, dx, dscale, dbias)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, outs int, shape ...int) op.Sample {
				c := channelsOf(shape).count
				return op.Sample{Name: name, Outs: outs, In: []*tensor.Tensor{op.Normalish(1, shape...), op.Normalish(2, shape...),
					op.Uniform(3, 0.5, 1.5, c), op.Normalish(4, c), op.Uniform(5, 0.5, 2, c)}}
			}
			// dy = xhat^2 for x = -1, 0, 1 around mean 0: dbias = 2, dscale = 0.
			exact := op.Sample{Name: "by hand", Outs: 3,
				In: []*tensor.Tensor{floats32([]int{3, 1}, 1, 0, 1), floats32([]int{3, 1}, -1, 0, 1), floats32([]int{1}, 3),
					floats32([]int{1}, 0), floats32([]int{1}, 1)},
				Want: []*tensor.Tensor{floats32([]int{3, 1}, 1, -2, 1), floats32([]int{1}, 0), floats32([]int{1}, 2)}}
			return []op.Sample{exact, of("images", 3, 2, 3, 2, 2), of("rows", 3, 4, 3), of("dx alone", 1, 2, 2, 3)}
		},
	})
}

// batchNormGrad is the gradient with the statistics of the batch, given what arrives.
func batchNormGrad(dy []float64, tx, tscale, tmean, tinvstd *tensor.Tensor) (dx, dscale, dbias []float64) {
	l := channelsOf(tx.Shape)
	x, scale, mean, invstd := tx.Float64s(), tscale.Float64s(), tmean.Float64s(), tinvstd.Float64s()
	dscale, dbias = make([]float64, l.count), make([]float64, l.count)
	dx = make([]float64, len(x))
	size := float64(l.batch * l.plane)
	for c := range l.count {
		xhat := func(i int) float64 { return (x[i] - mean[c]) * invstd[c] }
		l.each(c, func(i int) {
			dbias[c] += dy[i]
			dscale[c] += dy[i] * xhat(i)
		})
		l.each(c, func(i int) {
			dx[i] = scale[c] * invstd[c] * (dy[i] - dbias[c]/size - xhat(i)*dscale[c]/size)
		})
	}
	return dx, dscale, dbias
}

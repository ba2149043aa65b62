package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Bernoulli is 1 with the probability that its input gives, and 0 otherwise.
func init() {
	register(op.Def{
		Type: "Bernoulli", Random: true,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			return setRandom(n, typeOf(n, 0), anyType, shapeOf(n, 0))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			d, v := drawOf(n), in[0].Float64s()
			for i, p := range v {
				v[i] = 0
				if d.uniform(i) < p {
					v[i] = 1
				}
			}
			out[0].SetFloat64s(v)
			return nil
		},
		Samples: func() []op.Sample {
			certain := floats32([]int{4}, 0, 1, 1, 0)
			return []op.Sample{
				{Name: "certain", In: one(certain), Want: one(certain)},
				{Name: "certain, bool", Attrs: graph.MakeAttrs("dtype", onnxType(tensor.Bool)),
					In: one(certain), Want: one(tensor.Vector(false, true, true, false))},
				{Name: "seed", Attrs: graph.MakeAttrs("seed", 3.0), In: one(op.Uniform(1, 0, 1, 3, 4))},
			}
		},
	}, 15, 22)
}

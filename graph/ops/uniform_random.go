package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The internal Uniform([seed, step]; shape, key) is float32 numbers in [0, 1), multiples of 2⁻²⁴, another for every
// seed, step, key and element. They are the words of the internal Dropout, of which the upper 24 of 32 bits are taken.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "Uniform", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if t := n.In[0].Type; t.DType != tensor.Int64 || t.Shape.Elems() != 2 {
				return fmt.Errorf("input 0, %q, is %v instead of the int64 numbers seed and step", n.In[0].Name, t)
			}
			return set(n, 0, tensor.Float32, n.Attrs.Ints("shape"))
		},
		NoGrad: []int{0},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			rng, u := in[0].I64(), out[0].F32()
			base := dropoutBase(rng[0], rng[1], n.Attrs.Int("key", 0))
			for i := range u {
				u[i] = float32(dropoutBits(base, i)>>8) * (1.0 / (1 << 24))
			}
			return nil
		},
		Random: true,
		Samples: func() []op.Sample {
			of := func(name string, key int, shape ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("shape", shape, "key", key), In: one(ints(7, 3))}
			}
			return []op.Sample{of("matrix", 1, 3, 7), of("odd", -2, 101), of("empty", 0, 0, 3)}
		},
	})
}

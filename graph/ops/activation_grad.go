package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// activationGrad is an internal operator of two inputs of one type: dy and the activation's input or output, of which it
// is a step function; its own gradient reaches dy alone. lo and hi bound the second one in the sample.
func activationGrad(typ string, f func(dy, v float64) float64, lo, hi float64) {
	register(gradientOf(typ, f, lo, hi, []int{1}, func(b *op.Backward) {
		b.Set(0, b.Internal(typ, b.Node.Attrs, b.Grad(0), b.In(1)))
	}), 1)
}

// smoothGrad is an activationGrad that is smooth in both inputs and has the gradient grad.
func smoothGrad(typ string, f func(dy, v float64) float64, lo, hi float64, grad func(b *op.Backward)) {
	register(gradientOf(typ, f, lo, hi, nil, grad), 1)
}

func gradientOf(typ string, f func(dy, v float64) float64, lo, hi float64, noGrad []int, grad func(b *op.Backward)) op.Def {
	return op.Def{
		Domain: op.Internal, Type: typ,
		Infer:  sameShapes(2),
		NoGrad: noGrad,
		Grad:   grad,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			mapPairs(out[0], in[0], in[1], f)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{{Name: "matrix", In: []*tensor.Tensor{op.Uniform(5, -1, 1, 3, 7), op.Uniform(6, lo, hi, 3, 7)}}}
		},
	}
}

// sameShapes infers one output of the type that the first count inputs, floating point, all have.
func sameShapes(count int) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := inputs(n, count, -1); err != nil {
			return err
		}
		if err := allow(n, 0, floats); err != nil {
			return err
		}
		for i := 1; i < count; i++ {
			if a, b := n.In[0], n.In[i]; a.Type.DType != b.Type.DType || !a.Type.Shape.Equal(b.Type.Shape) {
				return fmt.Errorf("inputs %q and %q are %v and %v, which differ", a.Name, b.Name, a.Type, b.Type)
			}
		}
		return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
	}
}

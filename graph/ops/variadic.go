package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// inferVariadic infers an operator on one or more inputs of one type that broadcast.
func inferVariadic(s types) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if len(n.In) == 0 {
			return fmt.Errorf("no inputs")
		}
		all := make([]int, len(n.In))
		for i := range all {
			all[i] = i
		}
		if err := inputs(n, len(n.In), -1); err != nil {
			return err
		}
		if err := sameType(n, s, all...); err != nil {
			return err
		}
		return broadcastTypes(n, tensor.Invalid)
	}
}

// variadicSamples are inputs that broadcast, among them one alone.
func variadicSamples() []op.Sample {
	return []op.Sample{
		{Name: "one", In: one(op.Normalish(1, 2, 3))},
		{Name: "two", In: []*tensor.Tensor{op.Normalish(2, 2, 3), op.Normalish(3, 2, 3)}},
		{Name: "broadcast", In: []*tensor.Tensor{op.Normalish(4, 3), op.Normalish(5, 2, 1), op.Normalish(6)}},
	}
}

// extreme is Max or Min. Where several inputs are the extreme they share its gradient equally, as PyTorch's maximum and
// minimum do.
func extreme(typ string, s types, f arithmetic, samples func() []op.Sample, since ...int) {
	register(op.Def{
		Type:  typ,
		Infer: inferVariadic(s),
		Grad:  gradExtreme,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			f.fold(out[0], in...)
			return nil
		},
		Samples: func() []op.Sample { return append(variadicSamples(), samples()...) },
	}, since...)
}

func gradExtreme(b *op.Backward) {
	dy := b.Grad(0)
	if len(b.Node.In) == 1 {
		b.Set(0, dy)
		return
	}
	to := graph.MakeAttrs("to", onnxType(typeOf(b.Node, 0)))
	hits := make([]*graph.Value, len(b.Node.In))
	for i, x := range b.Node.In {
		hits[i] = b.OpAttrs("Cast", to, b.Op("Equal", x, b.Out(0)))
	}
	share := b.Op("Div", dy, b.Op("Sum", hits...))
	for i, hit := range hits {
		if b.Want(i) {
			b.Set(i, b.Op("Mul", share, hit))
		}
	}
}

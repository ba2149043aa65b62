package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "Trilu", Since: 14,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 2); err != nil {
				return err
			}
			if err := rank(n, 0, 2, -1); err != nil {
				return err
			}
			if err := allow(n, 1, setOf(tensor.Int64)); err != nil {
				return err
			}
			if v := n.Input(1); v != nil && v.Type.Shape.Elems() != 1 {
				return fmt.Errorf("the diagonal, %q, of shape %v is not one number", v.Name, v.Type.Shape)
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1},
		Grad:   func(b *op.Backward) { b.Set(0, b.OpAttrs("Trilu", b.Node.Attrs, b.Grad(0), b.In(1))) },
		Eval:   evalTrilu,
		Samples: func() []op.Sample {
			of := func(name string, upper int, in, k, want *tensor.Tensor) op.Sample {
				s := op.Sample{Name: name, Attrs: graph.MakeAttrs("upper", upper), In: []*tensor.Tensor{in, k}}
				if want != nil {
					s.Want = one(want)
				}
				return s
			}
			nine := floats32([]int{3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
			return []op.Sample{
				{Name: "default", In: one(nine), Want: one(floats32([]int{3, 3}, 1, 2, 3, 0, 5, 6, 0, 0, 9))},
				of("lower", 0, nine, nil, floats32([]int{3, 3}, 1, 0, 0, 4, 5, 0, 7, 8, 9)),
				of("above", 1, nine, tensor.Scalar[int64](1), floats32([]int{3, 3}, 0, 2, 3, 0, 0, 6, 0, 0, 0)),
				of("below", 0, nine, tensor.Vector[int64](-1), floats32([]int{3, 3}, 0, 0, 0, 4, 0, 0, 7, 8, 0)),
				of("batch", 1, op.Normalish(1, 2, 2, 4), tensor.Scalar[int64](-1), nil),
				of("far", 1, nine, tensor.Scalar[int64](1<<63-1), tensor.New(tensor.Float32, 3, 3)),
			}
		},
	})
}

func evalTrilu(n *graph.Node, in, out []*tensor.Tensor) error {
	r := len(in[0].Shape)
	rows, cols := in[0].Shape[r-2], in[0].Shape[r-1]
	k := int64(0)
	if len(in) > 1 && in[1] != nil {
		// Farther diagonals keep or drop everything as well, and do not overflow.
		k = max(min(in[1].Int64s()[0], int64(cols)), -int64(rows))
	}
	upper := n.Attrs.Bool("upper", true)
	clear(out[0].Data)
	for i := range in[0].Elems() {
		row, col := i/cols%rows, i%cols
		above := int64(col-row) - k
		if upper && above >= 0 || !upper && above <= 0 {
			copyElem(out[0], i, in[0], i)
		}
	}
	return nil
}

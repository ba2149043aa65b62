package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "ReverseSequence", Since: 10,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := rank(n, 0, 2, -1); err != nil {
				return err
			}
			if err := allow(n, 1, setOf(tensor.Int64)); err != nil {
				return err
			}
			batch, time := n.Attrs.Int("batch_axis", 1), n.Attrs.Int("time_axis", 0)
			if batch+time != 1 || batch*time != 0 {
				return fmt.Errorf("batch_axis %d and time_axis %d must be 0 and 1", batch, time)
			}
			if want := (tensor.Shape{shapeOf(n, 0)[batch]}); !shapeOf(n, 1).Equal(want) {
				return fmt.Errorf("sequence lengths of shape %v, want %v", shapeOf(n, 1), want)
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1},
		// A reversal is its own transpose.
		Grad: func(b *op.Backward) { b.Set(0, b.OpAttrs("ReverseSequence", b.Node.Attrs, b.Grad(0), b.In(1))) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			shape, batch := in[0].Shape, n.Attrs.Int("batch_axis", 1)
			lengths, strides := in[1].Int64s(), shape.Strides()
			for k, length := range lengths {
				if length < 0 || length > int64(shape[1-batch]) {
					return fmt.Errorf("sequence length %d at position %d is outside of [0, %d]", length, k, shape[1-batch])
				}
			}
			row := shape[2:].Elems() * in[0].DType.Size()
			for k, length := range lengths {
				for t := range shape[1-batch] {
					from := t
					if t < int(length) {
						from = int(length) - 1 - t
					}
					at, there := k*strides[batch]+t*strides[1-batch], k*strides[batch]+from*strides[1-batch]
					size := in[0].DType.Size()
					copy(out[0].Data[at*size:][:row], in[0].Data[there*size:])
				}
			}
			return nil
		},
		Samples: func() []op.Sample {
			sixteen := count(4, 4)
			batchFirst := graph.MakeAttrs("batch_axis", 0, "time_axis", 1)
			return []op.Sample{
				// Both examples of the specification.
				{Name: "time first", In: []*tensor.Tensor{floats32([]int{4, 4}, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), ints(4, 3, 2, 1)},
					Want: one(floats32([]int{4, 4}, 3, 6, 9, 12, 2, 5, 8, 13, 1, 4, 10, 14, 0, 7, 11, 15))},
				{Name: "batch first", Attrs: batchFirst, In: []*tensor.Tensor{sixteen, ints(1, 2, 3, 4)},
					Want: one(floats32([]int{4, 4}, 0, 1, 2, 3, 5, 4, 6, 7, 10, 9, 8, 11, 15, 14, 13, 12))},
				{Name: "features", Attrs: batchFirst, In: []*tensor.Tensor{op.Normalish(1, 2, 3, 2), ints(3, 2)}},
			}
		},
	})
}

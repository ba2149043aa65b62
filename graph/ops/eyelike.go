package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "EyeLike",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := rank(n, 0, 2, 2); err != nil {
				return err
			}
			dt, err := typeAttr(n, "dtype", typeOf(n, 0))
			if err != nil {
				return err
			}
			return set(n, 0, dt, shapeOf(n, 0))
		},
		// Like Shape it reads no elements.
		Eval: func(n *graph.Node, _, out []*tensor.Tensor) error {
			unit := tensor.New(out[0].DType)
			unit.SetInt64s([]int64{1})
			rows, cols := out[0].Shape[0], out[0].Shape[1]
			clear(out[0].Data)
			// Diagonals outside of the matrix hold nothing, however far.
			k := max(min(n.Attrs.Int("k", 0), cols), -rows)
			for row := range rows {
				if col := row + k; col >= 0 && col < cols {
					copyElem(out[0], row*cols+col, unit, 0)
				}
			}
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "type of the input", In: one(count(2, 3)), Want: one(floats32([]int{2, 3}, 1, 0, 0, 0, 1, 0))},
				{Name: "above", Attrs: graph.MakeAttrs("k", 1, "dtype", onnxType(tensor.Int64)), In: one(count(2, 3)),
					Want: one(tensor.Of[int64](tensor.Shape{2, 3}, 0, 1, 0, 0, 0, 1))},
				{Name: "below", Attrs: graph.MakeAttrs("k", -1), In: one(count(3, 2)), Want: one(floats32([]int{3, 2}, 0, 0, 1, 0, 0, 1))},
			}
		},
	}, 9, 22)
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{11, 12, 13} {
		op.Register(op.Def{
			Type: "GatherND", Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 2, 2); err != nil {
					return err
				}
				if err := allow(n, 1, indices); err != nil {
					return err
				}
				shape, err := addressed(shapeOf(n, 0), shapeOf(n, 1), n.Attrs.Int("batch_dims", 0))
				if err != nil {
					return err
				}
				return set(n, 0, typeOf(n, 0), shape)
			},
			NoGrad: []int{1},
			Grad: func(b *op.Backward) {
				attrs := graph.MakeAttrs("shape", []int(b.In(0).Type.Shape), "batch_dims", b.Node.Attrs.Int("batch_dims", 0))
				b.Set(0, b.Internal("GatherNDGrad", attrs, b.In(1), b.Grad(0)))
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				first, size, err := blocks(in[1], in[0].Shape, n.Attrs.Int("batch_dims", 0))
				if err != nil {
					return err
				}
				width := in[0].DType.Size()
				for k, from := range first {
					copy(out[0].Data[k*size*width:][:size*width], in[0].Data[from*width:])
				}
				return nil
			},
			Samples: func() []op.Sample { return gatherNDSamples(since) },
		})
	}
}

func gatherNDSamples(since int) []op.Sample {
	four := tensor.Of[int64](tensor.Shape{2, 2}, 0, 1, 2, 3)
	cube := tensor.Of[int64](tensor.Shape{2, 2, 2}, 0, 1, 2, 3, 4, 5, 6, 7)
	all := []op.Sample{
		{Name: "elements", In: []*tensor.Tensor{four, tensor.Of[int64](tensor.Shape{2, 2}, 0, 0, 1, 1)}, Want: one(ints(0, 3))},
		{Name: "rows", In: []*tensor.Tensor{cube, tensor.Of[int64](tensor.Shape{2, 1, 2}, 0, 1, 1, 0)},
			Want: one(tensor.Of[int64](tensor.Shape{2, 1, 2}, 2, 3, 4, 5))},
		{Name: "negative, twice", In: []*tensor.Tensor{op.Normalish(1, 3, 4), tensor.Of[int64](tensor.Shape{3, 1}, -1, 0, 2)}},
	}
	if since >= 12 {
		all = append(all,
			op.Sample{Name: "batch", Attrs: graph.MakeAttrs("batch_dims", 1),
				In:   []*tensor.Tensor{cube, tensor.Of[int64](tensor.Shape{2, 1}, 1, 0)},
				Want: one(tensor.Of[int64](tensor.Shape{2, 2}, 2, 3, 4, 5))},
			op.Sample{Name: "batch of tuples", Attrs: graph.MakeAttrs("batch_dims", 1),
				In: []*tensor.Tensor{op.Normalish(2, 2, 3, 4), tensor.Of[int64](tensor.Shape{2, 2, 2}, 0, 1, 2, 3, 1, 1, 1, 1)}})
	}
	return all
}

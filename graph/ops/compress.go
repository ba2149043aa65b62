package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:   "Compress",
		Infer:  inferCompress,
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			from, axis, err := compressed(b.Node)
			if fails(b, err) {
				return
			}
			at := b.Ints(nonZero(b.Node.ConstInput(1))...)
			dx := b.Internal("ScatterAddRows", graph.MakeAttrs("shape", []int(from), "axis", axis), at, b.Grad(0))
			b.Set(0, b.Reshape(dx, b.In(0).Type.Shape))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			from, axis, err := compressed(n)
			if err != nil {
				return err
			}
			outer, along, inner := around(from, axis)
			at, row := nonZero(in[1]), inner*in[0].DType.Size()
			for o := range outer {
				for k, i := range at {
					copy(out[0].Data[(o*len(at)+k)*row:][:row], in[0].Data[(o*along+i)*row:])
				}
			}
			return nil
		},
		Samples: func() []op.Sample {
			six := floats32([]int{3, 2}, 1, 2, 3, 4, 5, 6)
			of := func(name string, in *tensor.Tensor, keep []bool, want *tensor.Tensor, attrs ...any) op.Sample {
				s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), Const: []int{1}, In: []*tensor.Tensor{in, tensor.Vector(keep...)}}
				if want != nil {
					s.Want = one(want)
				}
				return s
			}
			return []op.Sample{
				of("rows", six, []bool{false, true, true}, floats32([]int{2, 2}, 3, 4, 5, 6), "axis", 0),
				of("columns", six, []bool{false, true}, floats32([]int{3, 1}, 2, 4, 6), "axis", -1),
				of("flat", six, []bool{false, true, false, false, true}, floats32([]int{2}, 2, 5)),
				of("middle", op.Normalish(1, 2, 3, 2), []bool{true, false, true}, nil, "axis", 1),
			}
		},
	}, 9, 11)
}

func inferCompress(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	if err := allow(n, 1, boolean); err != nil {
		return err
	}
	keep := n.ConstInput(1)
	if keep == nil {
		return fmt.Errorf("the shape of the result depends on the data of a batch through the condition %q; only a value known "+
			"before the run is supported: replace the selection by Where", n.In[1].Name)
	}
	shape, axis, err := compressed(n)
	if err != nil {
		return err
	}
	at := nonZero(keep)
	if len(at) > 0 && at[len(at)-1] >= shape[axis] {
		return fmt.Errorf("the condition keeps index %d of axis %d of shape %v", at[len(at)-1], axis, shape)
	}
	shape[axis] = len(at)
	return set(n, 0, typeOf(n, 0), shape)
}

// compressed is the shape under which Compress sees its input, flat without an axis, and the axis of that shape.
func compressed(n *graph.Node) (tensor.Shape, int, error) {
	if !n.Attrs.Has("axis") {
		return tensor.Shape{shapeOf(n, 0).Elems()}, 0, nil
	}
	axis, err := axisOf(n, 0)
	return shapeOf(n, 0).Clone(), axis, err
}

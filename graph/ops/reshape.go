package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:   "Reshape",
		Infer:  inferReshape,
		Grad:   func(b *op.Backward) { b.Set(0, b.Reshape(b.Grad(0), b.In(0).Type.Shape)) },
		NoGrad: []int{1},
		Eval:   evalCopy,
		View:   true,
		Samples: func() []op.Sample {
			x := op.Normalish(1, 2, 3, 4)
			shape := func(d ...int64) []*tensor.Tensor { return []*tensor.Tensor{x, tensor.Vector(d...)} }
			return []op.Sample{
				{Name: "plain", In: shape(6, 4), Const: []int{1}},
				{Name: "zero keeps", In: shape(0, 12), Const: []int{1}},
				{Name: "minus one", In: shape(4, -1), Const: []int{1}},
				{Name: "flat", In: shape(-1), Const: []int{1}},
				{Name: "zero allowed", Attrs: graph.MakeAttrs("allowzero", 1), NoGrad: true, Const: []int{1},
					In: []*tensor.Tensor{tensor.New(tensor.Float32, 0, 3), tensor.Vector[int64](3, 0)}},
			}
		},
	}, 5, 13, 14)
}

func inferReshape(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	want, err := constant(n, 1, "shape")
	if err != nil {
		return err
	}
	shape, err := reshaped(shapeOf(n, 0), want, n.Attrs.Bool("allowzero", false))
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), shape)
}

// reshaped resolves 0, which keeps a dimension unless allowZero, and one -1, which takes what is left.
func reshaped(from tensor.Shape, want []int, allowZero bool) (tensor.Shape, error) {
	shape := make(tensor.Shape, len(want))
	free, known := -1, 1
	for i, d := range want {
		switch {
		case d == -1 && free >= 0:
			return nil, fmt.Errorf("shape %v has two dimensions to infer", want)
		case d == -1:
			free = i
			continue
		case d == 0 && !allowZero && i >= len(from):
			return nil, fmt.Errorf("shape %v keeps dimension %d, which the input of shape %v does not have", want, i, from)
		case d == 0 && !allowZero:
			d = from[i]
		case d < 0:
			return nil, fmt.Errorf("shape %v has a negative dimension", want)
		}
		shape[i] = d
		known *= d
	}
	if free >= 0 {
		if known == 0 || from.Elems()%known != 0 {
			return nil, fmt.Errorf("%d elements of shape %v do not divide into shape %v", from.Elems(), from, want)
		}
		shape[free] = from.Elems() / known
	}
	if shape.Elems() != from.Elems() {
		return nil, fmt.Errorf("shape %v has %d elements, the input of shape %v has %d", want, shape.Elems(), from, from.Elems())
	}
	return shape, nil
}

// evalCopy is the reference of operators that only change the shape.
func evalCopy(_ *graph.Node, in, out []*tensor.Tensor) error {
	copy(out[0].Data, in[0].Data)
	return nil
}

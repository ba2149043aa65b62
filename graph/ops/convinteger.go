package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "ConvInteger", Since: 10,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 4); err != nil {
				return err
			}
			if err := sameType(n, quantized8, 0, 2); err != nil {
				return err
			}
			if err := sameType(n, quantized8, 1, 3); err != nil {
				return err
			}
			if err := scalarInput(n, 2, "zero point of x"); err != nil {
				return err
			}
			g, err := placedConv(n, shapeOf(n, 0), shapeOf(n, 1))
			if err != nil {
				return err
			}
			if err := filterParams(n, 3, g.OutChannels); err != nil {
				return err
			}
			return set(n, 0, tensor.Int32, g.outShape())
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := placedConv(n, in[0].Shape, in[1].Shape)
			if err != nil {
				return err
			}
			y := make([]float64, out[0].Elems())
			g.convolve(y, integers8(in[0], at(in, 2)), filters(in[1], at(in, 3)))
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			x, w := tensor.Of([]int{1, 1, 3, 3}, uint8(2), 3, 4, 5, 6, 7, 8, 9, 10), tensor.Of([]int{1, 1, 2, 2}, uint8(1), 1, 1, 1)
			return []op.Sample{
				{Name: "values", In: []*tensor.Tensor{x, w, tensor.Scalar[uint8](1)}, Want: one(tensor.Of([]int{1, 1, 2, 2}, int32(12), 16, 24, 28))},
				{Name: "padded", In: []*tensor.Tensor{x, w, tensor.Scalar[uint8](1), tensor.Vector[uint8](0)}, Attrs: graph.MakeAttrs("pads", []int{1, 0, 0, 0}),
					Want: one(tensor.Of([]int{1, 1, 3, 2}, int32(3), 5, 12, 16, 24, 28))},
			}
		},
	})
}

// placedConv is the geometry of a convolution whatever inputs the operator has.
func placedConv(n *graph.Node, x, w tensor.Shape) (Geometry, error) {
	g, err := convWindows(n, x, w)
	if err != nil {
		return g, err
	}
	return g, g.place(n, false)
}

// filterParams checks that input i, if present, is a number for all filters or one for each.
func filterParams(n *graph.Node, i, count int) error {
	if v := n.Input(i); v != nil && v.Type.Shape.Elems() != 1 && !v.Type.Shape.Equal(tensor.Shape{count}) {
		return fmt.Errorf("input %d, %q, has shape %v for %d filters", i, v.Name, v.Type.Shape, count)
	}
	return nil
}

// filters are the weights less their zero points.
func filters(w, zero *tensor.Tensor) []float64 {
	x := w.Float64s()
	if zero == nil {
		return x
	}
	z := zero.Float64s()
	for i := range x {
		x[i] -= z[i/(len(x)/w.Shape[0])%len(z)]
	}
	return x
}

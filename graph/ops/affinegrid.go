package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "AffineGrid", Since: 20,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			size, err := affineSize(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), append(append(tensor.Shape{shapeOf(n, 0)[0]}, size...), len(size)))
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			size, err := affineSize(b.Node)
			if fails(b, err) {
				return
			}
			dims, points := len(size), tensor.Shape(size).Elems()
			if points > mostGrid {
				fails(b, fmt.Errorf("a grid of %d points; at most %d can be trained through", points, mostGrid))
				return
			}
			base := tensor.New(b.In(0).Type.DType, points, dims+1)
			base.SetFloat64s(homogeneous(size, b.Node.Attrs.Bool("align_corners", false)))
			dy := b.Reshape(b.Grad(0), tensor.Shape{b.In(0).Type.Shape[0], points, dims})
			b.Set(0, b.Internal("FusedMatMul", fusedAttrs(true, false, 1), dy, b.Const(base)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			size, err := affineSize(n)
			if err != nil {
				return err
			}
			dims := len(size)
			theta, base := in[0].Float64s(), homogeneous(size, n.Attrs.Bool("align_corners", false))
			y := make([]float64, out[0].Elems())
			for i := range y {
				point := i / dims % (len(base) / (dims + 1))
				row := (i/(len(base)/(dims+1)*dims)*dims + i%dims) * (dims + 1)
				for k := range dims + 1 {
					y[i] += theta[row+k] * base[point*(dims+1)+k]
				}
			}
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, align int, theta *tensor.Tensor, size ...int) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("align_corners", align), In: []*tensor.Tensor{theta, ints(size...)}, Const: []int{1}}
			}
			values := of("values", 1, floats32([]int{1, 2, 3}, 1, 0, 0.5, 0, 2, 0), 1, 1, 2, 2)
			values.Want = one(floats32([]int{1, 2, 2, 2}, -0.5, -2, 1.5, -2, -0.5, 2, 1.5, 2))
			return []op.Sample{values, of("image", 0, op.Normalish(1, 2, 2, 3), 2, 3, 4, 3), of("volume", 1, op.Normalish(2, 2, 3, 4), 2, 1, 2, 3, 2)}
		},
	})
}

// affineSize is the spatial size of an AffineGrid node's output.
func affineSize(n *graph.Node) ([]int, error) {
	size, err := constant(n, 1, "size")
	if err != nil {
		return nil, err
	}
	dims := len(size) - 2
	if dims != 2 && dims != 3 {
		return nil, fmt.Errorf("size is %v; [N,C,H,W] and [N,C,D,H,W] are known", size)
	}
	if want := (tensor.Shape{size[0], dims, dims + 1}); !shapeOf(n, 0).Equal(want) {
		return nil, fmt.Errorf("theta has shape %v, and a size of %v needs %v", shapeOf(n, 0), size, want)
	}
	return size[2:], tensor.Shape(size).Check(tensor.Float64)
}

// homogeneous lists the points of a grid over [-1, 1] in every axis, the last axis' coordinate first, with a 1 after.
func homogeneous(size []int, align bool) []float64 {
	shape := tensor.Shape(size)
	var points []float64
	walk(shape, func(i int, _ []int) {
		at := unflatten(shape, i)
		for d := len(size) - 1; d >= 0; d-- {
			k, count := float64(at[d]), float64(size[d])
			switch {
			case !align:
				points = append(points, (2*k+1)/count-1)
			case count == 1:
				points = append(points, 0)
			default:
				points = append(points, 2*k/(count-1)-1)
			}
		}
		points = append(points, 1)
	})
	return points
}

// mostGrid bounds the points that the gradient keeps as a constant.
const mostGrid = 1 << 24

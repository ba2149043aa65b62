package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "CenterCropPad", Since: 18,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, anyType); err != nil {
				return err
			}
			to, err := centered(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), to)
		},
		NoGrad: []int{1},
		Grad: func(b *op.Backward) {
			to, err := centered(b.Node)
			if fails(b, err) {
				return
			}
			from := b.In(0).Type.Shape
			dy := b.Grad(0)
			pads, padded := make([]int, 2*len(from)), false
			for d, size := range from {
				if more := to[d] - size; more > 0 {
					dy = cut(b, dy, d, more/2, more/2+size)
				} else if more < 0 {
					pads[d], pads[len(from)+d], padded = -more/2, -more-(-more/2), true
				}
			}
			if padded {
				dy = b.Op("Pad", dy, b.Ints(pads...))
			}
			b.Set(0, dy)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			from, to, size := in[0].Shape, out[0].Shape, in[0].DType.Size()
			strides := from.Strides()
			walk(to, func(i int, _ []int) {
				at := 0
				for d, k := range unflatten(to, i) {
					// Both halves are rounded down, whichever is the larger.
					k -= max(0, to[d]-from[d]) / 2
					k += max(0, from[d]-to[d]) / 2
					if k < 0 || k >= from[d] {
						return
					}
					at += k * strides[d]
				}
				copy(out[0].Data[i*size:][:size], in[0].Data[at*size:])
			})
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, attrs graph.Attrs, x *tensor.Tensor, shape ...int) op.Sample {
				return op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, ints(shape...)}, Const: []int{1}}
			}
			crop := of("crop", nil, count(1, 4), 1, 1)
			crop.Want = one(floats32([]int{1, 1}, 1))
			pad := of("pad", nil, count(2), 5)
			pad.Want = one(floats32([]int{5}, 0, 0, 1, 0, 0))
			return []op.Sample{crop, pad, of("both", nil, op.Normalish(1, 5, 2, 3), 2, 5, 3),
				of("axes", graph.MakeAttrs("axes", []int{-1, 0}), op.Normalish(2, 5, 2, 3), 6, 2)}
		},
	})
}

// centered is the shape of a CenterCropPad node's output.
func centered(n *graph.Node) (tensor.Shape, error) {
	sizes, err := constant(n, 1, "shape")
	if err != nil {
		return nil, err
	}
	to := shapeOf(n, 0).Clone()
	list, err := resizedAxes(n, len(to))
	if err != nil {
		return nil, err
	}
	if len(list) != len(sizes) {
		return nil, fmt.Errorf("%d sizes for %d axes", len(sizes), len(list))
	}
	for i, d := range list {
		to[d] = sizes[i]
	}
	return to, to.Check(typeOf(n, 0))
}

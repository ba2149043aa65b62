package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "Col2Im", Since: 18,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 3); err != nil {
				return err
			}
			if err := allow(n, 0, numeric); err != nil {
				return err
			}
			g, err := columnsOf(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), g.inShape())
		},
		NoGrad: []int{1, 2},
		Grad: func(b *op.Backward) {
			g, err := columnsOf(b.Node)
			if fails(b, err) {
				return
			}
			b.Set(0, b.Internal("Im2Col", g.attrs(), b.Grad(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := columnsOf(n)
			if err != nil {
				return err
			}
			x, y := in[0].Float64s(), make([]float64, out[0].Elems())
			g.columns(func(image, column int) { y[image] += x[column] })
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, attrs graph.Attrs, x *tensor.Tensor, image, block []int) op.Sample {
				return op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, ints(image...), ints(block...)}, Const: []int{1, 2}}
			}
			values := of("values", nil, count(1, 2, 2), []int{1, 3}, []int{1, 2})
			values.Want = one(floats32([]int{1, 1, 1, 3}, 0, 3, 3))
			return []op.Sample{
				values,
				of("strides", graph.MakeAttrs("strides", []int{2, 1}, "pads", []int{1, 0, 0, 1}), op.Normalish(1, 2, 8, 8), []int{4, 4}, []int{2, 2}),
				of("dilations", graph.MakeAttrs("dilations", []int{1, 2}), op.Normalish(2, 1, 8, 6), []int{4, 4}, []int{2, 2}),
				of("3d", nil, op.Normalish(3, 1, 8, 4), []int{2, 3, 3}, []int{2, 2, 2}),
			}
		},
	})
}

// columnsOf is the geometry of the windows whose contents a Col2Im node has as columns.
func columnsOf(n *graph.Node) (Geometry, error) {
	image, err := constant(n, 1, "image shape")
	if err != nil {
		return Geometry{}, err
	}
	block, err := constant(n, 2, "block shape")
	if err != nil {
		return Geometry{}, err
	}
	if err := rank(n, 0, 3, 3); err != nil {
		return Geometry{}, err
	}
	g := Geometry{Batch: shapeOf(n, 0)[0], In: image}
	if err := g.windows(n, block); err != nil {
		return g, err
	}
	if err := g.place(n, false); err != nil {
		return g, err
	}
	taps, count := tensor.Shape(block).Elems(), tensor.Shape(g.Out).Elems()
	if x := shapeOf(n, 0); x[1]%taps != 0 || x[2] != count {
		return g, fmt.Errorf("an input of shape %v for blocks of shape %v, of which an image of shape %v has %d", x, block, image, count)
	}
	g.InChannels = shapeOf(n, 0)[1] / taps
	return g, nil
}

// columns calls fn for every element of a column and the element of the image that it is.
func (g *Geometry) columns(fn func(image, column int)) {
	taps, step := g.runs(), g.step()
	size, count := tensor.Shape(g.In).Elems(), tensor.Shape(g.Out).Elems()
	for plane := range g.Batch * g.InChannels {
		for k, runs := range taps {
			for _, r := range runs {
				for i := range r.count {
					fn(plane*size+r.in+i*step, (plane*len(taps)+k)*count+r.out+i)
				}
			}
		}
	}
}

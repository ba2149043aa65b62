package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{10, 11, 13, 18, 19} {
		most := 4
		if since < 11 {
			most = 2
		}
		op.Register(resizeDef("Resize", since, most, func() []op.Sample { return resizeSamples(since) }))
	}
}

// resizeDef defines an operator of at most so many inputs, of which the first is resized.
func resizeDef(typ string, since, most int, samples func() []op.Sample) op.Def {
	return op.Def{
		Type: typ, Since: since,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, most); err != nil {
				return err
			}
			if err := allow(n, 0, anyType); err != nil {
				return err
			}
			out, err := resizedTo(n, shapeOf(n, 0))
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), out)
		},
		NoGrad: []int{1, 2, 3},
		Grad:   gradResize,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			r, err := resizeOf(n, in[0].Shape)
			if err != nil {
				return err
			}
			out[0].SetFloat64s(r.apply(in[0].Float64s()))
			return nil
		},
		Samples: samples,
	}
}

// gradResize says in the gradient's attributes and inputs all that the version of the forward node implies.
func gradResize(b *op.Backward) {
	n := b.Node
	how, err := resizingOf(n)
	if fails(b, err) {
		return
	}
	attrs := how.attrs(n).With("shape", []int(b.In(0).Type.Shape))
	roi, scales, sizes := b.In(1), b.In(2), b.In(3)
	if n.Op.Type == "Upsample" || n.Op.Since < 11 {
		roi, scales = nil, b.In(1)
		if scales == nil {
			scales = b.Const(tensor.Vector(n.Attrs.Floats("scales")...))
			attrs = attrs.Without("scales")
		}
	}
	b.Set(0, b.Internal("ResizeGrad", attrs, b.Grad(0), roi, scales, sizes))
}

// apply resizes axis after axis, then fills what lies outside.
func (r *resize) apply(x []float64) []float64 {
	shape := r.in.Clone()
	for i := range r.axes {
		a := &r.axes[i]
		outer, along, inner := around(shape, a.axis)
		y := make([]float64, outer*len(a.taps)*inner)
		a.sweep(outer, along, inner, func(from, to int, weight float64) {
			for k, v := range x[from : from+inner] {
				y[to+k] += weight * v
			}
		})
		x = y
		shape[a.axis] = len(a.taps)
	}
	r.outsides(func(i int) { x[i] = r.fill })
	return x
}

// back is the transpose of apply.
func (r *resize) back(dy []float64) []float64 {
	r.outsides(func(i int) { dy[i] = 0 })
	shape := r.out.Clone()
	for i := len(r.axes) - 1; i >= 0; i-- {
		a := &r.axes[i]
		shape[a.axis] = r.in[a.axis]
		outer, along, inner := around(shape, a.axis)
		dx := make([]float64, outer*along*inner)
		a.sweep(outer, along, inner, func(from, to int, weight float64) {
			for k, v := range dy[to : to+inner] {
				dx[from+k] += weight * v
			}
		})
		dy = dx
	}
	return dy
}

// sweep calls fn for every pair of an input run of inner elements and an output run that has a share of it.
func (a *resizeAxis) sweep(outer, along, inner int, fn func(from, to int, weight float64)) {
	for o := range outer {
		for k, taps := range a.taps {
			for _, t := range taps {
				if t.weight != 0 {
					fn((o*along+t.at)*inner, (o*len(a.taps)+k)*inner, t.weight)
				}
			}
		}
	}
}

// outsides calls fn for every output element that lies outside of the region of interest along some axis.
func (r *resize) outsides(fn func(i int)) {
	for i := range r.axes {
		a := &r.axes[i]
		outer, along, inner := around(r.out, a.axis)
		for o := range outer {
			for k := range along {
				for j := range inner {
					if a.outside[k] {
						fn((o*along+k)*inner + j)
					}
				}
			}
		}
	}
}

package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// DFTGrad is the gradient of DFT: the transposed linear map, from the gradient of the result to that of the input, of the
// attribute shape. The attributes axis (from 0), length, inverse and onesided are those of the transform.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "DFTGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			d := dftGradOf(n)
			if err := d.place(); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), d.in)
		},
		Eval:    evalDFTGrad,
		Samples: dftGradSamples,
	})
}

func gradDFT(b *op.Backward) {
	d, err := dftOf(b.Node)
	if fails(b, err) {
		return
	}
	b.Set(0, b.Internal("DFTGrad", graph.MakeAttrs("axis", d.axis, "length", d.n, "shape", []int(d.in),
		"inverse", bit(d.inverse), "onesided", bit(d.onesided)), b.Grad(0)))
}

func dftGradOf(n *graph.Node) dft {
	return dft{axis: n.Attrs.Int("axis", 0), n: n.Attrs.Int("length", 0), in: n.Attrs.Ints("shape"),
		inverse: n.Attrs.Bool("inverse", false), onesided: n.Attrs.Bool("onesided", false)}
}

// evalDFTGrad transforms with the other sign, as the matrix of a transform is symmetric. A onesided spectrum counts
// twice all that mirror adds.
func evalDFTGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	d := dftGradOf(n)
	if err := d.place(); err != nil {
		return err
	}
	dy, dx := in[0].Float64s(), make([]float64, out[0].Elems())
	sign, factor := 1.0, 1.0
	if d.inverse {
		sign, factor = -1, 1/float64(d.n)
	}
	d.lines(d.out, d.in, func(from, to line) {
		v := fourier(from.read(dy, d.n), sign)
		if d.onesided && d.inverse {
			for k := range v {
				if k > 0 && 2*k != d.n {
					v[k] *= 2
				}
			}
			v = v[:d.n/2+1]
		}
		to.write(dx, v, factor)
	})
	out[0].SetFloat64s(dx)
	return nil
}

func dftSamples(since int) []op.Sample {
	of := func(name string, x *tensor.Tensor, axis, length int, attrs ...any) op.Sample {
		s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: []*tensor.Tensor{x, nil}}
		if length > 0 {
			s.In[1], s.Const = tensor.Scalar(int64(length)), []int{1}
		}
		if since < 20 {
			s.Attrs = s.Attrs.With("axis", axis)
			return s
		}
		s.In, s.Const = append(s.In, tensor.Scalar(int64(axis))), append(s.Const, 2)
		return s
	}
	values := of("values", floats32([]int{1, 4, 1}, 1, 2, 3, 4), 1, 0)
	values.Want = one(floats32([]int{1, 4, 2}, 10, 0, -2, 2, -2, 0, -2, -2))
	back := of("inverse values", floats32([]int{1, 4, 2}, 10, 0, -2, 2, -2, 0, -2, -2), -2, 0, "inverse", 1)
	back.Want = one(floats32([]int{1, 4, 2}, 1, 0, 2, 0, 3, 0, 4, 0))
	half := of("real inverse values", floats32([]int{1, 3, 2}, 10, 0, -2, 2, -2, 0), 1, 0, "inverse", 1, "onesided", 1)
	half.Want = one(floats32([]int{1, 4, 1}, 1, 2, 3, 4))
	return []op.Sample{
		values, back, half,
		of("complex, length 6", op.Normalish(1, 2, 6, 2), 1, 0),
		of("onesided, length 5", op.Normalish(2, 5, 2, 1), 0, 0, "onesided", 1),
		of("cut", op.Normalish(3, 2, 6, 1), 1, 4),
		of("filled up", op.Normalish(4, 2, 3, 3, 2), 2, 8, "inverse", 1),
		of("real inverse of odd length", op.Normalish(5, 2, 4, 2), 1, 7, "inverse", 1, "onesided", 1),
		of("real inverse, filled up", op.Normalish(6, 2, 3, 2), 1, 8, "inverse", 1, "onesided", 1),
		of("real inverse, cut", op.Normalish(7, 2, 5, 2), 1, 4, "inverse", 1, "onesided", 1),
	}
}

func dftGradSamples() []op.Sample {
	of := func(name string, dy, want *tensor.Tensor, attrs ...any) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), In: one(dy), Want: one(want)}
	}
	return []op.Sample{
		// Every number has a part of 1 in y[0], and of +1, -1 in y[1].
		of("forward", floats32([]int{2, 2}, 3, 0, 1, 0), floats32([]int{2, 1}, 4, 2), "axis", 0, "length", 2, "shape", []int{2, 1}),
		of("real inverse", floats32([]int{2, 1}, 3, 1), floats32([]int{2, 2}, 2, 0, 1, 0),
			"axis", 0, "length", 2, "shape", []int{2, 2}, "inverse", 1, "onesided", 1),
	}
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{17, 20} {
		op.Register(op.Def{
			Type: "DFT", Since: since,
			Infer:   inferDFT,
			NoGrad:  []int{1, 2},
			Grad:    gradDFT,
			Eval:    evalDFT,
			Samples: func() []op.Sample { return dftSamples(since) },
		})
	}
}

// dft is a transform of length n along one axis of a tensor whose last axis holds real and imaginary parts.
type dft struct {
	axis, n           int
	inverse, onesided bool
	in, out           tensor.Shape
}

func inferDFT(n *graph.Node) error {
	most := 3
	if n.Op.Since < 20 {
		most = 2
	}
	if err := inputs(n, 1, most); err != nil {
		return err
	}
	if err := allow(n, 0, floats); err != nil {
		return err
	}
	d, err := dftOf(n)
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), d.out)
}

func dftOf(n *graph.Node) (dft, error) {
	axis, err := oneNumber(n, 2, "axis", -2)
	if n.Op.Since < 20 {
		axis, err = n.Attrs.Int("axis", 1), nil
	}
	if err != nil {
		return dft{}, err
	}
	d := dft{inverse: n.Attrs.Bool("inverse", false), onesided: n.Attrs.Bool("onesided", false), in: shapeOf(n, 0)}
	if d.axis, err = d.in.Axis(axis); err != nil {
		return d, err
	}
	if d.axis == len(d.in)-1 {
		return d, fmt.Errorf("axis %d of shape %v holds real and imaginary parts and cannot be transformed", axis, d.in)
	}
	length := d.in[d.axis]
	if d.inverse && d.onesided {
		length = 2 * (length - 1)
	}
	if d.n, err = oneNumber(n, 1, "length", length); err != nil {
		return d, err
	}
	return d, d.place()
}

// place checks the lengths and finds the shape of the result.
func (d *dft) place() error {
	parts := d.in[len(d.in)-1]
	switch {
	case parts != 1 && parts != 2:
		return fmt.Errorf("the last axis of shape %v should hold a real part, or a real and an imaginary part", d.in)
	case d.n < 1 || d.n > 1<<31:
		return fmt.Errorf("a transform of length %d", d.n)
	case d.onesided && !d.inverse && parts != 1:
		return fmt.Errorf("a onesided transform takes a real input, with a last axis of 1, and the shape is %v", d.in)
	case d.onesided && d.inverse && parts != 2:
		return fmt.Errorf("a onesided inverse transform takes a complex input, with a last axis of 2, and the shape is %v", d.in)
	}
	d.out = d.in.Clone()
	d.out[d.axis], d.out[len(d.out)-1] = d.n, 2
	switch {
	case d.onesided && d.inverse:
		d.out[len(d.out)-1] = 1
	case d.onesided:
		d.out[d.axis] = d.n/2 + 1
	}
	return nil
}

// oneNumber reads an optional constant input of one integer.
func oneNumber(n *graph.Node, i int, what string, absent int) (int, error) {
	if n.Input(i) == nil {
		return absent, nil
	}
	list, err := constant(n, i, what)
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("input %d, the %s, has %d elements, want one", i, what, len(list))
	}
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

func evalDFT(n *graph.Node, in, out []*tensor.Tensor) error {
	d, err := dftOf(n)
	if err != nil {
		return err
	}
	x, y := in[0].Float64s(), make([]float64, out[0].Elems())
	sign, factor := -1.0, 1.0
	if d.inverse {
		sign, factor = 1, 1/float64(d.n)
	}
	d.lines(d.in, d.out, func(from, to line) {
		v := from.read(x, d.n)
		if d.onesided && d.inverse {
			mirror(v, d.n/2)
		}
		to.write(y, fourier(v, sign), factor)
	})
	out[0].SetFloat64s(y)
	return nil
}

// mirror completes the spectrum of a real signal from its first half.
func mirror(v []complex128, half int) {
	for k := half + 1; k < len(v); k++ {
		v[k] = complex(real(v[len(v)-k]), -imag(v[len(v)-k]))
	}
	v[0] = complex(real(v[0]), 0)
	if len(v)%2 == 0 {
		v[half] = complex(real(v[half]), 0)
	}
}

// line is the numbers along the axis of a transform: count numbers of parts parts each.
type line struct{ first, step, count, parts int }

// lines calls do for every pair of lines of tensors whose shapes differ in the axis and the parts alone.
func (d *dft) lines(from, to tensor.Shape, do func(from, to line)) {
	last := len(from) - 1
	outer, inner := from[:d.axis].Elems(), from[d.axis+1:last].Elems()
	at := func(s tensor.Shape, o, i int) line {
		parts := s[last]
		return line{(o*s[d.axis]*inner + i) * parts, inner * parts, s[d.axis], parts}
	}
	for o := range outer {
		for i := range inner {
			do(at(from, o, i), at(to, o, i))
		}
	}
}

// read is the line cut or filled up with zeros to n numbers.
func (l line) read(x []float64, n int) []complex128 {
	v := make([]complex128, n)
	for k := range min(n, l.count) {
		at := l.first + k*l.step
		v[k] = complex(x[at], 0)
		if l.parts == 2 {
			v[k] = complex(x[at], x[at+1])
		}
	}
	return v
}

// write stores what the line has room for, times factor.
func (l line) write(x []float64, v []complex128, factor float64) {
	for k := range min(len(v), l.count) {
		at := l.first + k*l.step
		x[at] = factor * real(v[k])
		if l.parts == 2 {
			x[at+1] = factor * imag(v[k])
		}
	}
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The window belongs to the features that a model was built for and is not trained. STFTGrad (dy, window), the
// gradient of the signal, has the attributes shape, step, length and onesided.
func init() {
	op.Register(op.Def{
		Type: "STFT", Since: 17,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 4); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 2); err != nil {
				return err
			}
			s, err := stftOf(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), s.out())
		},
		NoGrad: []int{1, 2, 3},
		Grad: func(b *op.Backward) {
			s, err := stftOf(b.Node)
			if fails(b, err) {
				return
			}
			attrs := graph.MakeAttrs("shape", []int(s.signal), "step", s.step, "length", s.length, "onesided", bit(s.onesided))
			b.Set(0, b.Internal("STFTGrad", attrs, b.Grad(0), b.In(2)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			s, err := stftOf(n)
			if err != nil {
				return err
			}
			x, y, window := in[0].Float64s(), make([]float64, out[0].Elems()), s.window(optional(in, 2))
			s.frames(func(from, to line) {
				v := from.read(x, s.length)
				for i, w := range window {
					v[i] *= complex(w, 0)
				}
				to.write(y, fourier(v, -1), 1)
			})
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: stftSamples,
	})
	op.Register(op.Def{
		Domain: op.Internal, Type: "STFTGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 2); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), n.Attrs.Ints("shape"))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			s := stft{signal: n.Attrs.Ints("shape"), step: n.Attrs.Int("step", 1), length: n.Attrs.Int("length", 1),
				onesided: n.Attrs.Bool("onesided", true)}
			dy, dx, window := in[0].Float64s(), make([]float64, out[0].Elems()), s.window(optional(in, 1))
			s.frames(func(to, from line) {
				v := fourier(from.read(dy, s.length), 1)
				for i, w := range window {
					v[i] *= complex(w, 0)
				}
				to.add(dx, v)
			})
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample {
			// Frames of two begin at 0 and 1; a number counts in bin 0 as it is and in bin 1 with the sign of its place.
			return []op.Sample{{Name: "values", Attrs: graph.MakeAttrs("shape", []int{1, 3, 1}, "step", 1, "length", 2, "onesided", 1),
				In:   []*tensor.Tensor{floats32([]int{1, 2, 2, 2}, 3, 0, 1, 0, 5, 0, 2, 0), floats32([]int{2}, 1, 2)},
				Want: one(floats32([]int{1, 3, 1}, 4, 4+7, 6))}}
		},
	})
}

// stft is a transform of frames of a length that begin every step numbers of a signal [batch, numbers, parts].
type stft struct {
	signal       tensor.Shape
	step, length int
	onesided     bool
}

func stftOf(n *graph.Node) (stft, error) {
	s := stft{signal: shapeOf(n, 0), onesided: n.Attrs.Bool("onesided", true)}
	if len(s.signal) != 3 || s.signal[2] != 1 && s.signal[2] != 2 {
		return s, fmt.Errorf("a signal of shape %v, want [batch, length, 1] or, complex, [batch, length, 2]", s.signal)
	}
	var err error
	if s.step, err = oneNumber(n, 1, "frame step", 0); err != nil {
		return s, err
	}
	s.length = s.signal[1]
	if w := n.Input(2); w != nil {
		if len(w.Type.Shape) != 1 {
			return s, fmt.Errorf("a window of shape %v", w.Type.Shape)
		}
		s.length = w.Type.Shape[0]
	}
	window := s.length
	if s.length, err = oneNumber(n, 3, "frame length", s.length); err != nil {
		return s, err
	}
	switch {
	case n.Input(2) != nil && window != s.length:
		return s, fmt.Errorf("a window of length %d for frames of length %d", window, s.length)
	case s.step < 1 || s.length < 1 || s.length > s.signal[1]:
		return s, fmt.Errorf("frames of length %d every %d numbers of a signal of length %d", s.length, s.step, s.signal[1])
	case s.onesided && s.signal[2] == 2:
		return s, fmt.Errorf("a complex signal has no onesided transform; set attribute onesided to 0")
	}
	return s, nil
}

func (s *stft) out() tensor.Shape {
	bins := s.length
	if s.onesided {
		bins = s.length/2 + 1
	}
	return tensor.Shape{s.signal[0], (s.signal[1]-s.length)/s.step + 1, bins, 2}
}

// window is t, or ones without it.
func (s *stft) window(t *tensor.Tensor) []float64 {
	if t != nil {
		return t.Float64s()
	}
	w := make([]float64, s.length)
	for i := range w {
		w[i] = 1
	}
	return w
}

// frames calls do for every frame with its place in the signal and that of its transform in the result.
func (s *stft) frames(do func(signal, result line)) {
	out, parts := s.out(), s.signal[2]
	for b := range out[0] {
		for f := range out[1] {
			do(line{(b*s.signal[1] + f*s.step) * parts, parts, s.length, parts}, line{(b*out[1] + f) * out[2] * 2, 2, out[2], 2})
		}
	}
}

// add is write that adds.
func (l line) add(x []float64, v []complex128) {
	for k := range min(len(v), l.count) {
		at := l.first + k*l.step
		x[at] += real(v[k])
		if l.parts == 2 {
			x[at+1] += imag(v[k])
		}
	}
}

func stftSamples() []op.Sample {
	of := func(name string, x *tensor.Tensor, step int, window, length *tensor.Tensor, attrs ...any) op.Sample {
		s := op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...), Const: []int{1}}
		s.In = []*tensor.Tensor{x, tensor.Scalar(int64(step)), window, length}
		if length != nil {
			s.Const = append(s.Const, 3)
		}
		return s
	}
	values := of("values", floats32([]int{1, 3, 1}, 1, 2, 3), 1, floats32([]int{2}, 1, 2), nil)
	values.Want = one(floats32([]int{1, 2, 2, 2}, 5, 0, -3, 0, 8, 0, -4, 0))
	return []op.Sample{
		values,
		of("no window", op.Normalish(1, 2, 10, 1), 3, nil, tensor.Scalar[int64](4)),
		of("both sides", op.Normalish(2, 1, 9, 1), 2, op.Uniform(3, 0, 1, 5), tensor.Scalar[int64](5), "onesided", 0),
		of("complex", op.Normalish(4, 2, 8, 2), 4, op.Uniform(5, 0, 1, 4), nil, "onesided", 0),
		of("one frame", op.Normalish(6, 2, 6, 1), 1, nil, nil),
	}
}

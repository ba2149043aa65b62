package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// lrn is a local response normalisation, y = x/s^beta with s = bias + alpha/size * the sum of squares over a window of
// size neighbouring channels, from (size-1)/2 before to size/2 after.
type lrn struct {
	size              int
	alpha, beta, bias float64
}

func lrnOf(n *graph.Node) lrn {
	return lrn{n.Attrs.Int("size", 0), n.Attrs.Float("alpha", 1e-4), n.Attrs.Float("beta", 0.75), n.Attrs.Float("bias", 1)}
}

func init() {
	register(op.Def{
		Type:  "LRN",
		Infer: func(n *graph.Node) error { return inferLRN(n, 1) },
		Grad: func(b *op.Backward) {
			b.Set(0, b.Internal("LRNGrad", b.Node.Attrs, b.Grad(0), b.In(0)))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			l, x := lrnOf(n), in[0].Float64s()
			y := make([]float64, len(x))
			vectorsOf(in[0].Shape, 1).each(func(at []int) {
				s := l.sums(x, at)
				for c, i := range at {
					y[i] = x[i] * math.Pow(s[c], -l.beta)
				}
			})
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample { return lrnSamples(false) },
	}, 1, 13)

	// LRNGrad gives dx from dy and x.
	op.Register(op.Def{
		Domain: op.Internal, Type: "LRNGrad", Since: 1,
		Infer: func(n *graph.Node) error { return inferLRN(n, 2) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			l, dy, x := lrnOf(n), in[0].Float64s(), in[1].Float64s()
			dx := make([]float64, len(x))
			vectorsOf(in[0].Shape, 1).each(func(at []int) {
				s := l.sums(x, at)
				for c, i := range at {
					dx[i] += dy[i] * math.Pow(s[c], -l.beta)
					// y[i] depends on every channel of its window through s.
					through := -2 * l.alpha * l.beta / float64(l.size) * dy[i] * x[i] * math.Pow(s[c], -l.beta-1)
					first, end := l.window(c, len(at))
					for _, j := range at[first:end] {
						dx[j] += through * x[j]
					}
				}
			})
			out[0].SetFloat64s(dx)
			return nil
		},
		Samples: func() []op.Sample { return lrnSamples(true) },
	})
}

func (l lrn) window(c, channels int) (first, end int) {
	before := (l.size - 1) / 2
	return max(c-before, 0), min(c+l.size-before, channels)
}

// sums is s for each channel, of the elements of x at the given indices.
func (l lrn) sums(x []float64, at []int) []float64 {
	s := make([]float64, len(at))
	for c := range at {
		first, end := l.window(c, len(at))
		for _, j := range at[first:end] {
			s[c] += x[j] * x[j]
		}
		s[c] = l.bias + l.alpha/float64(l.size)*s[c]
	}
	return s
}

func inferLRN(n *graph.Node, count int) error {
	if err := sameShapes(count)(n); err != nil {
		return err
	}
	if size := lrnOf(n).size; size < 1 || size > 1<<31 {
		return fmt.Errorf("attribute size is %d", size)
	}
	return rank(n, 0, 2, -1)
}

func lrnSamples(grad bool) []op.Sample {
	of := func(name string, size int, shape ...int) op.Sample {
		attrs := graph.MakeAttrs("size", size, "alpha", 0.5, "beta", 0.6, "bias", 2.0)
		s := op.Sample{Name: name, Attrs: attrs, In: one(op.Normalish(1, shape...))}
		if grad {
			s.In = append(s.In, op.Normalish(2, shape...))
		}
		return s
	}
	known := of("by hand", 2, 1, 3, 1)
	known.Attrs = graph.MakeAttrs("size", 2, "alpha", 2.0, "beta", 1.0, "bias", 3.0)
	known.In[0] = floats32([]int{1, 3, 1}, 1, 2, 3)
	known.Want = one(floats32([]int{1, 3, 1}, 1.0/8, 2.0/16, 3.0/12))
	if grad {
		// dx_j = dy_j/s_j - 2*x_j*sum of dy_i*x_i/s_i² over the windows that have j, for x = 1 1 and s = 5 4.
		known.In = []*tensor.Tensor{floats32([]int{1, 2, 1}, 100, 16), floats32([]int{1, 2, 1}, 1, 1)}
		known.Want = one(floats32([]int{1, 2, 1}, 12, -6))
	}
	return []op.Sample{known, of("odd", 3, 2, 5, 2, 2), of("even", 4, 1, 5, 2), of("wider than the channels", 9, 2, 3)}
}

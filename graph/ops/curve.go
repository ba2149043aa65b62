package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// curve is a pointwise operator on floating point whose gradient is an internal operator of its own, named after it:
// TypeGrad(dy, x) with the attributes of the activation.
type curve struct {
	types types // of the forward operator; none: floats
	of    func(a graph.Attrs) (f, slope func(x float64) float64)
	check func(a graph.Attrs) error // of the attributes, if any
	// straight says that slope is constant between kinks, so that the gradient's own gradient reaches dy alone.
	straight bool
	lo, hi   float64
	// attrs are attributes that samples have, besides none.
	attrs   []graph.Attrs
	samples func() []op.Sample
}

func (c curve) register(typ string, since ...int) {
	if c.types == 0 {
		c.types = floats
	}
	gradient := typ + "Grad"
	pointwise{
		types: c.types, check: c.check, lo: c.lo, hi: c.hi,
		of: func(attrs graph.Attrs) func(float64) float64 {
			f, _ := c.of(attrs)
			return f
		},
		grad: func(b *op.Backward) *graph.Value { return b.Internal(gradient, b.Node.Attrs, b.Grad(0), b.In(0)) },
		samples: func() []op.Sample {
			var all []op.Sample
			for _, attrs := range c.attrs {
				all = append(all, op.Sample{Name: "attributes", Attrs: attrs, In: one(op.Uniform(7, c.lo, c.hi, 2, 7))})
			}
			if c.samples != nil {
				all = append(all, c.samples()...)
			}
			return all
		},
	}.register(typ, since...)

	def := op.Def{
		Domain: op.Internal, Type: gradient, Since: 1,
		Infer: sameShapes(2),
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			_, slope := c.of(n.Attrs)
			mapPairs(out[0], in[0], in[1], func(dy, x float64) float64 { return dy * slope(x) })
			return nil
		},
		Samples: func() []op.Sample {
			var all []op.Sample
			for k, attrs := range append([]graph.Attrs{nil}, c.attrs...) {
				in := []*tensor.Tensor{op.Uniform(5, -1, 1, 3, 7), op.Uniform(uint64(8+k), c.lo, c.hi, 3, 7)}
				all = append(all, op.Sample{Name: "matrix", Attrs: attrs, In: in})
			}
			return all
		},
	}
	if c.straight {
		def.NoGrad = []int{1}
		def.Grad = func(b *op.Backward) { b.Set(0, b.Internal(gradient, b.Node.Attrs, b.Grad(0), b.In(1))) }
	}
	op.Register(def)
}

// upTo is below up to at, with at, and above from there on.
func upTo(at float64, below, above func(x float64) float64) func(x float64) float64 {
	return func(x float64) float64 {
		if x <= at {
			return below(x)
		}
		return above(x)
	}
}

func identity(x float64) float64 { return x }

func constantly(y float64) func(x float64) float64 { return func(float64) float64 { return y } }

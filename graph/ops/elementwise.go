package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// sameAsFirst infers one output of the type of input 0.
func sameAsFirst(need, most int, s types) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := inputs(n, need, most); err != nil {
			return err
		}
		if err := allow(n, 0, s); err != nil {
			return err
		}
		return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
	}
}

// pointwise is an operator that maps each element of one input.
type pointwise struct {
	domain string
	types  types
	to     tensor.DType // the result's element type; Invalid: the input's
	f      func(x float64) float64
	of     func(a graph.Attrs) func(x float64) float64 // gives f where that depends on attributes
	check  func(a graph.Attrs) error                   // of the attributes, if any
	// ints is f for integers, and uints for uint64; where they are nil, f is taken, or ints.
	ints  func(x int64) int64
	uints func(x uint64) uint64
	// grad emits dx from b.Grad(0), b.In(0) and b.Out(0); nil: there is no gradient.
	grad    func(b *op.Backward) *graph.Value
	lo, hi  float64 // bound the samples, away from kinks and poles
	samples func() []op.Sample
}

func (p pointwise) register(typ string, since ...int) {
	register(op.Def{
		Domain: p.domain, Type: typ,
		Infer: func(n *graph.Node) error {
			if p.check != nil {
				if err := p.check(n.Attrs); err != nil {
					return err
				}
			}
			err := sameAsFirst(1, 1, p.types)(n)
			if err != nil || p.to == tensor.Invalid {
				return err
			}
			return set(n, 0, p.to, shapeOf(n, 0))
		},
		Grad: setFirst(p.grad),
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			p.eval(n.Attrs, in[0], out[0])
			return nil
		},
		Samples: func() []op.Sample {
			all := []op.Sample{
				{Name: "matrix", In: one(op.Uniform(1, p.lo, p.hi, 3, 5))},
				{Name: "scalar", In: one(op.Uniform(2, p.lo, p.hi))},
				{Name: "empty", In: one(tensor.New(tensor.Float32, 2, 0)), NoGrad: true},
			}
			if p.samples != nil {
				all = append(all, p.samples()...)
			}
			return all
		},
	}, since...)
}

func (p pointwise) eval(a graph.Attrs, in, out *tensor.Tensor) {
	f := p.f
	if p.of != nil {
		f = p.of(a)
	}
	switch {
	case in.DType == tensor.Uint64 && p.uints != nil:
		copy(tensor.Slice[uint64](out), apply(tensor.Slice[uint64](in), p.uints))
	case in.DType.IsInt() && p.ints != nil:
		out.SetInt64s(apply(in.Int64s(), p.ints))
	default:
		out.SetFloat64s(apply(in.Float64s(), f))
	}
}

// unary is a pointwise operator without attributes that has samples in [lo, hi) only.
func unary(typ string, s types, f func(x float64) float64, lo, hi float64, grad func(b *op.Backward) *graph.Value, since ...int) {
	pointwise{types: s, f: f, lo: lo, hi: hi, grad: grad}.register(typ, since...)
}

// setFirst makes what grad emits the gradient of input 0; nil when there is no gradient.
func setFirst(grad func(b *op.Backward) *graph.Value) func(*op.Backward) {
	if grad == nil {
		return nil
	}
	return func(b *op.Backward) { b.Set(0, grad(b)) }
}

// apply is f of each element.
func apply[T, R any](x []T, f func(x T) R) []R {
	y := make([]R, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

// example is a sample with its result.
func example(name string, want *tensor.Tensor, in ...*tensor.Tensor) op.Sample {
	return op.Sample{Name: name, In: in, Want: one(want)}
}

// kink is a sample that lies on a kink or a jump, where finite differences say nothing.
func kink(s op.Sample) op.Sample {
	s.NoGrad = true
	return s
}

// with gives a sample attributes; see graph.MakeAttrs.
func with(s op.Sample, attrs ...any) op.Sample {
	s.Attrs = graph.MakeAttrs(attrs...)
	return s
}

// nan is for samples.
var nan = math.NaN()

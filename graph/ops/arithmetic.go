package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// arithmetic is a function of two numbers in each of the types that references compute in. Operators that take no
// integers leave out ints, and uints may be left out where ints is right on the bits of uint64.
type arithmetic struct {
	floats func(x, y float64) float64
	ints   func(x, y int64) int64
	uints  func(x, y uint64) uint64
}

// fold sets out to f(…f(f(in[0], in[1]), in[2])…) with broadcasting. Integers wrap to the width of out.
func (f arithmetic) fold(out *tensor.Tensor, in ...*tensor.Tensor) {
	switch dt := in[0].DType; {
	case dt == tensor.Uint64 && f.uints != nil:
		copy(tensor.Slice[uint64](out), fold(out.Shape, in, tensor.Slice[uint64], f.uints))
	case dt.IsInt() && f.ints != nil:
		out.SetInt64s(fold(out.Shape, in, (*tensor.Tensor).Int64s, f.ints))
	default:
		out.SetFloat64s(fold(out.Shape, in, (*tensor.Tensor).Float64s, f.floats))
	}
}

func fold[T any](shape tensor.Shape, in []*tensor.Tensor, read func(*tensor.Tensor) []T, f func(x, y T) T) []T {
	total := make([]T, shape.Elems())
	for k, t := range in {
		x := read(t)
		walk(shape, func(i int, at []int) {
			if k == 0 {
				total[i] = x[at[0]]
			} else {
				total[i] = f(total[i], x[at[0]])
			}
		}, t.Shape.BroadcastStrides(shape))
	}
	return total
}

// broadcastTypes infers one output of element type dt (Invalid: that of the inputs) and the shape that the inputs
// broadcast to.
func broadcastTypes(n *graph.Node, dt tensor.DType) error {
	shapes := make([]tensor.Shape, len(n.In))
	for i := range n.In {
		shapes[i] = shapeOf(n, i)
	}
	shape, err := tensor.Broadcast(shapes...)
	if err != nil {
		return err
	}
	if dt == tensor.Invalid {
		dt = typeOf(n, 0)
	}
	return set(n, 0, dt, shape)
}

// inferPair infers an operator on two inputs of one type that broadcast; see broadcastTypes for to.
func inferPair(s types, to tensor.DType) func(*graph.Node) error {
	return func(n *graph.Node) error {
		if err := inputs(n, 2, 2); err != nil {
			return err
		}
		if err := sameType(n, s, 0, 1); err != nil {
			return err
		}
		return broadcastTypes(n, to)
	}
}

// mapPairs is out = f(a, b) with broadcasting, in float64.
func mapPairs(out, a, b *tensor.Tensor, f func(x, y float64) float64) {
	arithmetic{floats: f}.fold(out, a, b)
}

// binary is an operator on two tensors that broadcast. f works in float64 and g, for integers, in int64, on the bits of
// uint64 too.
func binary(typ string, s types, f func(x, y float64) float64, g func(x, y int64) int64, grad func(b *op.Backward),
	samples func() []op.Sample, since ...int) {
	register(op.Def{
		Type:  typ,
		Infer: inferPair(s, tensor.Invalid),
		Grad:  grad,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			arithmetic{floats: f, ints: g}.fold(out[0], in[0], in[1])
			return nil
		},
		Samples: samples,
	}, since...)
}

// divisible reports divisors among integers that are zero, of which no quotient exists.
func divisible(t *tensor.Tensor) error {
	if t.DType.IsInt() && slices.Contains(t.Int64s(), 0) {
		return fmt.Errorf("integer division by zero")
	}
	return nil
}

// pairSamples are two inputs in [lo, hi) of shapes that broadcast in every way, and more.
func pairSamples(lo, hi float64, more ...op.Sample) func() []op.Sample {
	return func() []op.Sample {
		pair := func(name string, a, b tensor.Shape) op.Sample {
			return op.Sample{Name: name, In: []*tensor.Tensor{op.Uniform(3, lo, hi, a...), op.Uniform(4, lo, hi, b...)}}
		}
		return append([]op.Sample{
			pair("same shape", tensor.Shape{2, 3}, tensor.Shape{2, 3}),
			pair("row", tensor.Shape{2, 3}, tensor.Shape{3}),
			pair("column", tensor.Shape{2, 1}, tensor.Shape{2, 3}),
			pair("scalar", tensor.Shape{}, tensor.Shape{2, 2}),
			pair("channels", tensor.Shape{2, 3, 2, 2}, tensor.Shape{3, 1, 1}),
			{Name: "integers", In: []*tensor.Tensor{ints(7, -7, 3), ints(2, 2, -5)}},
		}, more...)
	}
}

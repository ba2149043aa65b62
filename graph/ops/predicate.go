package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// predicate is an operator on two inputs of one type that broadcast, with a result of bool. It says whether a relation
// holds in each type that references compute in; operators that take no integers leave out the last two.
type predicate struct {
	floats func(x, y float64) bool
	ints   func(x, y int64) bool
	uints  func(x, y uint64) bool
}

func (p predicate) register(typ string, s types, samples func() []op.Sample, since ...int) {
	register(op.Def{
		Type:  typ,
		Infer: inferPair(s, tensor.Bool),
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			switch dt := in[0].DType; {
			case dt == tensor.Uint64:
				holds(out[0], in[0], in[1], tensor.Slice[uint64], p.uints)
			case dt.IsInt():
				holds(out[0], in[0], in[1], (*tensor.Tensor).Int64s, p.ints)
			default:
				holds(out[0], in[0], in[1], (*tensor.Tensor).Float64s, p.floats)
			}
			return nil
		},
		Samples: samples,
	}, since...)
}

func holds[T any](out, a, b *tensor.Tensor, read func(*tensor.Tensor) []T, f func(x, y T) bool) {
	x, y, z := read(a), read(b), tensor.Slice[bool](out)
	walk(out.Shape, func(i int, at []int) { z[i] = f(x[at[0]], y[at[1]]) },
		a.Shape.BroadcastStrides(out.Shape), b.Shape.BroadcastStrides(out.Shape))
}

// relation registers a comparison under versions that take floating point only, and under those that take integers.
func relation(typ string, p predicate, less, equal, greater bool, floating, all []int) {
	floatSamples := func() []op.Sample { return floatRelations(less, equal, greater) }
	p.register(typ, floats, floatSamples, floating...)
	p.register(typ, numeric, func() []op.Sample { return append(floatSamples(), intRelations(less, equal, greater)...) }, all...)
}

func floatRelations(less, equal, greater bool) []op.Sample {
	return []op.Sample{
		example("vector", tensor.Vector(less, equal, greater), floats32([]int{3}, 1, 2, 3), floats32([]int{3}, 2, 2, 2)),
		example("broadcast", tensor.Of(tensor.Shape{2, 2}, equal, less, greater, equal),
			floats32([]int{2, 1}, 1, 2), floats32([]int{2}, 1, 2)),
		{Name: "scalar", In: []*tensor.Tensor{op.Normalish(1, 2, 3), op.Normalish(2)}},
	}
}

// intRelations have numbers that float64 does not tell apart, or that int64 takes for negative.
func intRelations(less, equal, greater bool) []op.Sample {
	const big = 1 << 53
	return []op.Sample{
		example("int64", tensor.Vector(less, equal, greater), ints(big, -1, big+1), ints(big+1, -1, big)),
		example("uint64", tensor.Vector(less, equal, greater), tensor.Vector[uint64](1, 1<<63, 1<<63),
			tensor.Vector[uint64](1<<63, 1<<63, 1)),
		example("uint8", tensor.Vector(less, equal, greater), tensor.Vector[uint8](1, 7, 255), tensor.Vector[uint8](255, 7, 1)),
	}
}

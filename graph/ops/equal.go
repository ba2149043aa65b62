package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	p := predicate{equal[float64], equal[int64], equal[uint64]}
	old := func() []op.Sample {
		return []op.Sample{
			example("bool", tensor.Vector(true, false, false, true), tensor.Vector(false, false, true, true),
				tensor.Vector(false, true, false, true)),
			example("int64", tensor.Vector(false, true), ints(1<<53), ints(1<<53+1, 1<<53)),
		}
	}
	p.register("Equal", boolean|indices, old, 7)
	p.register("Equal", anyType, func() []op.Sample {
		all := append(old(), floatRelations(false, true, false)...)
		return append(all, example("NaN", tensor.Vector(false, true), tensor.Vector(nan, 1), tensor.Vector(nan, 1)))
	}, 11, 13, 19)
}

func equal[T float64 | int64 | uint64](x, y T) bool { return x == y }

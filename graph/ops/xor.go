package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	p := predicate{floats: func(x, y float64) bool { return x != y }}
	p.register("Xor", boolean, func() []op.Sample {
		return []op.Sample{example("table", tensor.Of(tensor.Shape{2, 2}, false, true, true, false),
			tensor.Of(tensor.Shape{2, 1}, false, true), tensor.Vector(false, true))}
	}, 7)
}

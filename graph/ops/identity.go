package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type:  "Identity",
		Infer: sameAsFirst(1, 1, anyType),
		Grad:  func(b *op.Backward) { b.Set(0, b.Grad(0)) },
		Eval:  evalCopy,
		View:  true,
		Samples: func() []op.Sample {
			flags := tensor.Vector(true, false, true)
			return []op.Sample{
				{Name: "matrix", In: one(count(2, 3)), Want: one(count(2, 3))},
				{Name: "scalar", In: one(op.Normalish(1))},
				{Name: "bool", In: one(flags), Want: one(flags)},
			}
		},
	}, 1, 13, 14, 16, 19, 21)
}

package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

func init() {
	unary("Exp", floats, math.Exp, -2, 2, func(b *op.Backward) *graph.Value {
		return b.Op("Mul", b.Grad(0), b.Out(0))
	}, 6, 13)
}

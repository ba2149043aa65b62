package ops

import "github.com/onnxtrain/onnxtrain/graph/op"

func init() {
	binary("Add", numeric,
		func(x, y float64) float64 { return x + y },
		func(x, y int64) int64 { return x + y },
		func(b *op.Backward) {
			b.Set(0, b.Grad(0))
			b.Set(1, b.Grad(0))
		},
		pairSamples(-2, 2), 7, 13, 14)
}

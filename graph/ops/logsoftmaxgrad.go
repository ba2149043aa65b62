package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LogSoftmaxGrad is dx = dy - exp(y)*sum(dy) along the attribute axis, from dy and y.
func init() {
	inf := float32(math.Inf(-1))
	softmaxGradLike("LogSoftmaxGrad", func(dx, dy, y []float64) {
		total := 0.0
		for _, v := range dy {
			total += v
		}
		for i := range dx {
			dx[i] = dy[i] - math.Exp(y[i])*total
		}
	}, gradLogSoftmaxGrad, []op.Sample{{
		Name: "masked", In: []*tensor.Tensor{floats32([]int{2, 3}, 0, 0, 0, 0, 1, 0), floats32([]int{2, 3}, inf, inf, inf, inf, 0, inf)},
		Want: one(floats32([]int{2, 3}, 0, 0, 0, 0, 0, 0)), NoGrad: true,
	}})
}

// gradLogSoftmaxGrad, with g the gradient that arrives and p = exp(y), is g - sum(g*p) for dy and -g*p*sum(dy) for y.
func gradLogSoftmaxGrad(b *op.Backward, kept tensor.Shape) {
	g, dy := b.Grad(0), b.In(0)
	gp := b.Op("Mul", g, b.Op("Exp", b.In(1)))
	b.Set(0, b.Op("Add", g, times(b, b.SumTo(gp, kept), -1)))
	b.Set(1, b.Op("Mul", gp, times(b, b.SumTo(dy, kept), -1)))
}

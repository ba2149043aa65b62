package train

import (
	"math"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// gradChunk is the grain of loops over gradients.
const gradChunk = 1 << 16

// gradients is what an update sees: the program's own memory, or sums over several batches.
type gradients struct {
	pool  *par.Pool
	sums  []*tensor.Tensor // of accumulation, nil without
	terms int              // averaged loss terms summed up in sums
	norms []float64        // by chunk
}

// add accumulates the gradients of a batch whose loss averaged over terms.
func (g *gradients) add(grads []*tensor.Tensor, terms int) {
	first := g.terms == 0
	if g.sums == nil {
		for _, t := range grads {
			g.sums = append(g.sums, tensor.New(t.DType, t.Shape...))
		}
	}
	for i, t := range grads {
		sum, x := g.sums[i].F32(), t.F32()
		g.pool.For(len(x), gradChunk, func(_, lo, hi int) {
			if first {
				linalg.Scale(sum[lo:hi], x[lo:hi], float32(terms))
			} else {
				linalg.Axpy(sum[lo:hi], float32(terms), x[lo:hi])
			}
		})
	}
	g.terms += terms
}

// mean divides the sums by the terms and starts anew.
func (g *gradients) mean() []*tensor.Tensor {
	g.scale(g.sums, 1/float32(g.terms))
	g.terms = 0
	return g.sums
}

func (g *gradients) scale(grads []*tensor.Tensor, by float32) {
	for _, t := range grads {
		x := t.F32()
		g.pool.For(len(x), gradChunk, func(_, lo, hi int) { linalg.Scale(x[lo:hi], x[lo:hi], by) })
	}
}

// norm is the L2 norm over all gradients, and the index of the first one that is not finite, -1 when all are.
func (g *gradients) norm(grads []*tensor.Tensor) (norm float64, bad int) {
	total, bad := 0.0, -1
	for i, t := range grads {
		x := t.F32()
		chunks := (len(x) + gradChunk - 1) / gradChunk
		for len(g.norms) < chunks {
			g.norms = append(g.norms, 0)
		}
		g.pool.For(len(x), gradChunk, func(_, lo, hi int) { g.norms[lo/gradChunk] = float64(linalg.SumSquares(x[lo:hi])) })
		one := 0.0
		for _, s := range g.norms[:chunks] {
			one += s
		}
		if bad < 0 && (math.IsNaN(one) || math.IsInf(one, 0)) {
			bad = i
		}
		total += one
	}
	return math.Sqrt(total), bad
}

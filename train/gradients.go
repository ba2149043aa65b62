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
		sum := g.sums[i]
		g.pool.For(t.Elems(), gradChunk, func(_, lo, hi int) {
			if first {
				scale(sum, t, lo, hi, float64(terms))
			} else {
				axpy(sum, t, lo, hi, float64(terms))
			}
		})
	}
	g.terms += terms
}

// mean divides the sums by the terms and starts anew.
func (g *gradients) mean() []*tensor.Tensor {
	g.scale(g.sums, 1/float64(g.terms))
	g.terms = 0
	return g.sums
}

func (g *gradients) scale(grads []*tensor.Tensor, by float64) {
	for _, t := range grads {
		g.pool.For(t.Elems(), gradChunk, func(_, lo, hi int) { scale(t, t, lo, hi, by) })
	}
}

// norm is the L2 norm over all gradients, and the index of the first one that is not finite, -1 when all are.
func (g *gradients) norm(grads []*tensor.Tensor) (norm float64, bad int) {
	total, bad := 0.0, -1
	for i, t := range grads {
		chunks := (t.Elems() + gradChunk - 1) / gradChunk
		for len(g.norms) < chunks {
			g.norms = append(g.norms, 0)
		}
		g.pool.For(t.Elems(), gradChunk, func(_, lo, hi int) { g.norms[lo/gradChunk] = sumSquares(t, lo, hi) })
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

// The loops below work on elements [lo, hi) of tensors of one type, float32 or float64; sumSquares takes bfloat16 too.

func scale(dst, x *tensor.Tensor, lo, hi int, by float64) {
	if x.DType == tensor.Float32 {
		linalg.Scale(dst.F32()[lo:hi], x.F32()[lo:hi], float32(by))
		return
	}
	y := tensor.Slice[float64](dst)[lo:hi]
	for i, v := range tensor.Slice[float64](x)[lo:hi] {
		y[i] = by * v
	}
}

func axpy(dst, x *tensor.Tensor, lo, hi int, by float64) {
	if x.DType == tensor.Float32 {
		linalg.Axpy(dst.F32()[lo:hi], float32(by), x.F32()[lo:hi])
		return
	}
	y := tensor.Slice[float64](dst)[lo:hi]
	for i, v := range tensor.Slice[float64](x)[lo:hi] {
		y[i] += by * v
	}
}

func sumSquares(x *tensor.Tensor, lo, hi int) float64 {
	if x.DType == tensor.Float32 {
		return linalg.SumSquares(x.F32()[lo:hi])
	}
	sum := 0.0
	if x.DType == tensor.BFloat16Type {
		for _, v := range tensor.Slice[tensor.BFloat16](x)[lo:hi] {
			sum += float64(v.Float32()) * float64(v.Float32())
		}
		return sum
	}
	for _, v := range tensor.Slice[float64](x)[lo:hi] {
		sum += v * v
	}
	return sum
}

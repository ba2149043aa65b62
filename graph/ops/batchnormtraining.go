package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BatchNormTraining normalises x, of shape [N, C, …], by the mean and variance of each channel. Inputs are x, scale,
// bias and the running mean and variance; outputs are y, the new running mean and variance, and the batch's mean and
// 1/sqrt(variance+epsilon) for the gradient.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "BatchNormTraining", Since: 1,
		Infer: func(n *graph.Node) error {
			if len(n.Out) > 5 {
				return fmt.Errorf("%d outputs, at most 5 are allowed", len(n.Out))
			}
			return inferChannelNorm(n)
		},
		NoGrad: []int{3, 4},
		Grad: func(b *op.Backward) {
			if b.Grad(0) != nil {
				setBatchNormGrad(b, ask(b, 3), ask(b, 4))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			eps := n.Attrs.Float("epsilon", 1e-5)
			b := normaliseBatch(in, eps, n.Attrs.Float("momentum", 0.9))
			for c, v := range b.savedVariance {
				b.savedVariance[c] = 1 / math.Sqrt(v+eps)
			}
			setOutputs(out, b.y, b.mean, b.variance, b.savedMean, b.savedVariance)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, outs int, x *tensor.Tensor) op.Sample {
				c := channelsOf(x.Shape).count
				// With more outputs than y, which carry no gradient, finite differences see one.
				return op.Sample{Name: name, Outs: outs, NoGrad: outs > 1, Attrs: graph.MakeAttrs("epsilon", 1e-3, "momentum", 0.75),
					In: []*tensor.Tensor{x, op.Uniform(2, 0.5, 1.5, c), op.Normalish(3, c), op.Normalish(4, c), op.Uniform(5, 0.5, 2, c)}}
			}
			exact := op.Sample{Name: "by hand", Outs: 5, NoGrad: true, Attrs: graph.MakeAttrs("epsilon", 3.0, "momentum", 0.75),
				In: []*tensor.Tensor{floats32([]int{2, 1, 1}, 1, 3), floats32([]int{1}, 4), floats32([]int{1}, 1),
					floats32([]int{1}, 4), floats32([]int{1}, 5)},
				Want: []*tensor.Tensor{floats32([]int{2, 1, 1}, -1, 3), floats32([]int{1}, 3.5), floats32([]int{1}, 4),
					floats32([]int{1}, 2), floats32([]int{1}, 0.5)}}
			return []op.Sample{
				exact,
				of("images", 1, op.Normalish(1, 2, 3, 3, 2)),
				of("rows", 1, op.Normalish(1, 5, 3)),
				of("every output", 5, op.Normalish(1, 3, 2, 2)),
			}
		},
	})
}

// normalisedBatch is what a BatchNorm in training computes.
type normalisedBatch struct {
	y                        []float64
	mean, variance           []float64 // running ones
	savedMean, savedVariance []float64 // of the batch
}

// normaliseBatch takes the inputs x, scale, bias, mean and variance.
func normaliseBatch(in []*tensor.Tensor, eps, momentum float64) normalisedBatch {
	l := channelsOf(in[0].Shape)
	b := normalisedBatch{in[0].Float64s(), in[3].Float64s(), in[4].Float64s(), make([]float64, l.count), make([]float64, l.count)}
	scale, bias := in[1].Float64s(), in[2].Float64s()
	for c := range l.count {
		mean, variance := moments(l.of(b.y, c))
		a := scale[c] / math.Sqrt(variance+eps)
		l.each(c, func(i int) { b.y[i] = (b.y[i]-mean)*a + bias[c] })
		b.mean[c] = momentum*b.mean[c] + (1-momentum)*mean
		b.variance[c] = momentum*b.variance[c] + (1-momentum)*variance
		b.savedMean[c], b.savedVariance[c] = mean, variance
	}
	return b
}

// setBatchNormGrad sets the gradients of x, scale and bias, the inputs 0 to 2.
func setBatchNormGrad(b *op.Backward, mean, invstd *graph.Value) {
	d := b.Emit(op.Internal, "BatchNormGrad", nil, 3, b.Grad(0), b.In(0), b.In(1), mean, invstd)
	for i, v := range d {
		if b.Want(i) && b.Err == nil {
			b.Set(i, as(b, v, b.In(i)))
		}
	}
}

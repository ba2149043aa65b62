package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "batch_norm_training", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormTraining"}, InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormTraining,
	})
	fused := graph.OpID{Domain: op.Internal, Type: "FusedBatchNorm"}
	Register(Kernel{
		Name: "fused_batch_norm", Op: fused, InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormTraining,
	})
	Register(Kernel{
		Name: "fused_batch_norm/relu", Op: fused, Rank: 1, InPlace: []int{5, 0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, Bind: bindBatchNormTraining,
		When: func(n *graph.Node) bool { return channelsFit(n) && gateOf(n).kind == "relu" },
	})
}

// batchNorm normalises by the statistics of the batch. It reads x once for the mean, once for the variance and once more
// to write y, block by block. What it rounds and when is the same as in nodes of their own: networks with BatchNorm make
// much of the last bit.
type batchNorm struct {
	channels
	x, residual, y              []float32
	scale, bias, mean, variance []float32
	newMean, newVariance        []float32 // these and the next are nil where nobody asks for them
	savedMean, savedInvStd      []float32
	savedFactor, savedShift     []float32
	eps, momentum               float64
	write                       func(from, to int, factor, shift float32) // a block of y
}

func bindBatchNormTraining(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := &batchNorm{
		channels: channelsOf(in[0]), x: in[0].F32(), residual: elements(in, 5), y: out[0].F32(),
		scale: in[1].F32(), bias: in[2].F32(), mean: in[3].F32(), variance: in[4].F32(),
		newMean: elements(out, 1), newVariance: elements(out, 2), savedMean: elements(out, 3), savedInvStd: elements(out, 4),
		savedFactor: elements(out, 5), savedShift: elements(out, 6),
		eps: n.Attrs.Float("epsilon", 1e-5), momentum: n.Attrs.Float("momentum", 0.9),
	}
	b.write = b.writer(gateOf(n))
	body := func(_, lo, hi int) {
		for g := lo; g < hi; g++ {
			b.normalise(g)
		}
	}
	return func() error {
		s.Pool.For(b.groups(), 1, body)
		return nil
	}, nil
}

// gate is the activation of a fused node.
type gate struct {
	kind      string
	low, high float32
}

func gateOf(n *graph.Node) gate {
	return gate{n.Attrs.String("activation", "none"),
		float32(n.Attrs.Float("low", math.Inf(-1))), float32(n.Attrs.Float("high", math.Inf(1)))}
}

func (b *batchNorm) writer(act gate) func(from, to int, factor, shift float32) {
	switch {
	case act.kind == "relu" && b.residual != nil:
		return func(from, to int, factor, shift float32) {
			linalg.ScaleShiftAddRelu(b.y[from:to], b.x[from:to], factor, shift, b.residual[from:to])
		}
	case act.kind == "relu":
		return func(from, to int, factor, shift float32) {
			linalg.ScaleShiftRelu(b.y[from:to], b.x[from:to], factor, shift)
		}
	}
	return func(from, to int, factor, shift float32) {
		y := b.y[from:to]
		linalg.ScaleShift(y, b.x[from:to], factor, shift)
		if b.residual != nil {
			linalg.Add(y, y, b.residual[from:to])
		}
		if act.kind == "clip" {
			linalg.Clamp(y, y, act.low, act.high)
		}
	}
}

// normalise computes the channels of group g.
func (b *batchNorm) normalise(g int) {
	var mean, variance [groupElems]float64
	var factor, shift [groupElems]float32
	lo, hi := b.bounds(g)
	b.moments(g, mean[:hi-lo], variance[:hi-lo])
	for ch := lo; ch < hi; ch++ {
		factor[ch-lo], shift[ch-lo] = b.statistics(ch, mean[ch-lo], variance[ch-lo])
	}
	b.each(g, func(ch, from, to int) { b.write(from, to, factor[ch-lo], shift[ch-lo]) })
}

// moments are the mean and population variance of the channels of group g. The mean is taken off before squaring, so that
// a large one costs no digits; sums of blocks are added in float64, in order.
func (b *batchNorm) moments(g int, mean, variance []float64) {
	lo, _ := b.bounds(g)
	b.each(g, func(ch, from, to int) { mean[ch-lo] += float64(linalg.Sum(b.x[from:to])) })
	for k := range mean {
		mean[k] /= b.count()
	}
	b.each(g, func(ch, from, to int) {
		variance[ch-lo] += float64(linalg.SumSquaredDiff(b.x[from:to], float32(mean[ch-lo])))
	})
	for k := range variance {
		variance[k] /= b.count()
	}
}

// statistics stores what is kept of a channel and returns the numbers that normalise it.
func (b *batchNorm) statistics(ch int, mean, variance float64) (factor, shift float32) {
	invstd := 1 / math.Sqrt(variance+b.eps)
	a := float64(b.scale[ch]) * invstd
	factor, shift = float32(a), float32(float64(b.bias[ch])-a*mean)
	store := func(to []float32, v float64) {
		if to != nil {
			to[ch] = float32(v)
		}
	}
	store(b.newMean, b.momentum*float64(b.mean[ch])+(1-b.momentum)*mean)
	store(b.newVariance, b.momentum*float64(b.variance[ch])+(1-b.momentum)*variance)
	store(b.savedMean, mean)
	store(b.savedInvStd, invstd)
	store(b.savedFactor, a)
	store(b.savedShift, float64(shift))
	return factor, shift
}

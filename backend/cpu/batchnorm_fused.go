package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	halfNorm := halfAmong([]int{0, 5}, []int{0})
	Register(Kernel{
		Name: "batch_norm_training", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormTraining"}, InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, When: channelsFit, Half: halfNorm, Scratch: normRooms, Bind: bindBatchNormTraining,
	})
	fused := graph.OpID{Domain: op.Internal, Type: "FusedBatchNorm"}
	Register(Kernel{
		Name: "fused_batch_norm", Op: fused, InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, When: channelsFit, Half: halfNorm, Scratch: normRooms, Bind: bindBatchNormTraining,
	})
	Register(Kernel{
		Name: "fused_batch_norm/relu", Op: fused, Rank: 1, InPlace: []int{5, 0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, Half: halfNorm, Scratch: normRooms, Bind: bindBatchNormTraining,
		When: func(n *graph.Node) bool { return channelsFit(n) && gateOf(n).kind == "relu" },
	})
}

// batchNorm normalises by the statistics of the batch. It reads x once for the mean, once for the variance and once more
// to write y, block by block. What it rounds and when is the same as in nodes of their own: networks with BatchNorm make
// much of the last bit.
type batchNorm struct {
	channels
	x, residual, y              vector
	scale, bias, mean, variance []float32
	newMean, newVariance        []float32 // these and the next are nil where nobody asks for them
	savedMean, savedInvStd      []float32
	savedFactor, savedShift     []float32
	eps, momentum               float64
	act                         gate
	room                        rooms
}

func bindBatchNormTraining(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := &batchNorm{
		channels: channelsOf(in[0]), x: vectorOf(in[0]), residual: vectorAt(in, 5), y: vectorOf(out[0]),
		scale: in[1].F32(), bias: in[2].F32(), mean: in[3].F32(), variance: in[4].F32(),
		newMean: elements(out, 1), newVariance: elements(out, 2), savedMean: elements(out, 3), savedInvStd: elements(out, 4),
		savedFactor: elements(out, 5), savedShift: elements(out, 6),
		eps: n.Attrs.Float("epsilon", 1e-5), momentum: n.Attrs.Float("momentum", 0.9),
		act: gateOf(n), room: roomsIn(s, 3, blockElems),
	}
	body := func(worker, lo, hi int) {
		for g := lo; g < hi; g++ {
			b.normalise(worker, g)
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

// normalise computes the channels of group g.
func (b *batchNorm) normalise(worker, g int) {
	var mean, variance [groupElems]float64
	var factor, shift [groupElems]float32
	lo, hi := b.bounds(g)
	b.moments(worker, g, mean[:hi-lo], variance[:hi-lo])
	for ch := lo; ch < hi; ch++ {
		factor[ch-lo], shift[ch-lo] = b.statistics(ch, mean[ch-lo], variance[ch-lo])
	}
	first, second := b.room.of(worker, 0), b.room.of(worker, 1)
	b.spans(g, func(ch, from, to int) {
		x, residual, y := b.x.read(first, from, to), b.residual.read(second, from, to), b.y.place(first, from, to)
		b.parts(ch, to-from, func(ch, from, to int) {
			r := residual
			if r != nil {
				r = r[from:to]
			}
			b.act.normalise(y[from:to], x[from:to], factor[ch-lo], shift[ch-lo], r)
		})
		b.y.put(y, from, to)
	})
}

// normalise writes the activation of factor*x + shift + residual, the last of which may be nil.
func (act *gate) normalise(y, x []float32, factor, shift float32, residual []float32) {
	switch {
	case act.kind == "relu" && residual != nil:
		linalg.ScaleShiftAddRelu(y, x, factor, shift, residual)
		return
	case act.kind == "relu":
		linalg.ScaleShiftRelu(y, x, factor, shift)
		return
	}
	linalg.ScaleShift(y, x, factor, shift)
	if residual != nil {
		linalg.Add(y, y, residual)
	}
	if act.kind == "clip" {
		linalg.Clamp(y, y, act.low, act.high)
	}
}

// moments are the mean and population variance of the channels of group g. The mean is taken off before squaring, so that
// a large one costs no digits; sums of blocks are added in float64, in order.
func (b *batchNorm) moments(worker, g int, mean, variance []float64) {
	lo, _ := b.bounds(g)
	room := b.room.of(worker, 0)
	b.spans(g, func(ch, from, to int) {
		x := b.x.read(room, from, to)
		b.parts(ch, to-from, func(ch, from, to int) { mean[ch-lo] += float64(linalg.Sum(x[from:to])) })
	})
	for k := range mean {
		mean[k] /= b.count()
	}
	b.spans(g, func(ch, from, to int) {
		x := b.x.read(room, from, to)
		b.parts(ch, to-from, func(ch, from, to int) {
			variance[ch-lo] += float64(linalg.SumSquaredDiff(x[from:to], float32(mean[ch-lo])))
		})
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

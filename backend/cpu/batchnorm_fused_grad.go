package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	halfNorm := halfAmong([]int{0, 1, 7}, []int{0, 3})
	Register(Kernel{
		Name: "batch_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormGrad"}, InPlace: []int{0, 1},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, When: channelsFit, Half: halfNorm, Scratch: normRooms, Bind: bindBatchNormGrad,
	})
	Register(Kernel{
		Name: "fused_batch_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "FusedBatchNormGrad"},
		InPlace: []int{1, 0, 7}, AlsoInPlace: [][2]int{{3, 0}, {3, 7}},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, When: channelsFit, Half: halfNorm, Scratch: normRooms, Bind: bindBatchNormGrad,
	})
}

// batchNormGrad computes, with g = dy where the activation let it through and 0 elsewhere, and xhat = (x-mean)*invstd,
//
//	dbias = sum(g), dscale = sum(g*xhat), dx = scale*invstd*(g - dbias/n - xhat*dscale/n)
//
// in two turns over dy and x, the first one for the sums. g, which is the residual's gradient too, is stored only where that
// is asked for; otherwise each turn makes it anew, block by block.
type batchNormGrad struct {
	channels
	dy, x, y            vector
	scale, mean, invstd []float32
	factor, shift       []float32
	dx, dresid          vector
	dscale, dbias       []float32 // nil: not asked for
	act                 gate
	room                rooms

	// sums are those of g and g*(x-mean) over a block of a channel, affine sets dx = a*g + c*x + d there.
	sums   func(t normBlock, ch int) (sum, product float32)
	affine func(t normBlock, ch int, a, c, d float32)
}

// normBlock is the same elements of each operand; g is where g is, or where it may be, and gate is room for what the activation
// saw, as g may lie over dy.
type normBlock struct{ dy, x, y, g, gate, dx []float32 }

func (t normBlock) part(from, to int) normBlock {
	cut := func(x []float32) []float32 {
		if x == nil {
			return nil
		}
		return x[from:to]
	}
	return normBlock{cut(t.dy), cut(t.x), cut(t.y), cut(t.g), cut(t.gate), cut(t.dx)}
}

func bindBatchNormGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := &batchNormGrad{
		channels: channelsOf(in[1]), dy: vectorOf(in[0]), x: vectorOf(in[1]), y: vectorAt(in, 7),
		scale: in[2].F32(), mean: in[3].F32(), invstd: in[4].F32(), factor: elements(in, 5), shift: elements(in, 6),
		dx: vectorAt(out, 0), dscale: elements(out, 1), dbias: elements(out, 2), dresid: vectorAt(out, 3),
		act: gateOf(n), room: roomsIn(s, 3, blockElems),
	}
	rectified := b.act.kind == "relu"
	switch {
	case b.act.kind == "none":
		b.sums, b.affine = b.plainSums, b.plainAffine
	case rectified && b.y.absent() && b.dresid.absent():
		b.sums, b.affine = b.gatedSums, b.gatedAffine
	case rectified && !b.y.absent():
		b.sums, b.affine = b.rectifiedSums, b.openAffine
	default:
		b.sums, b.affine = b.openSums, b.openAffine
	}
	body := func(worker, lo, hi int) {
		for g := lo; g < hi; g++ {
			b.group(worker, g)
		}
	}
	return func() error {
		s.Pool.For(b.groups(), 1, body)
		return nil
	}, nil
}

// group computes the channels of group k.
func (b *batchNormGrad) group(worker, k int) {
	var total, product [groupElems]float64
	lo, hi := b.bounds(k)
	b.spans(k, func(ch, from, to int) {
		span := b.arriving(worker, from, to)
		b.parts(ch, to-from, func(ch, from, to int) {
			t, p := b.sums(span.part(from, to), ch)
			total[ch-lo] += float64(t)
			product[ch-lo] += float64(p)
		})
		b.dresid.put(span.g, from, to)
	})
	for ch := lo; ch < hi; ch++ {
		if b.factor != nil && math.IsNaN(float64(b.factor[ch]+b.shift[ch])) {
			total[ch-lo], product[ch-lo] = math.NaN(), math.NaN() // or else it would only have closed the activation, unnoticed
		}
		product[ch-lo] *= float64(b.invstd[ch])
		if b.dbias != nil {
			b.dbias[ch] = float32(total[ch-lo])
		}
		if b.dscale != nil {
			b.dscale[ch] = float32(product[ch-lo])
		}
	}
	if !b.dx.absent() {
		b.spread(worker, k, total[:hi-lo], product[:hi-lo])
	}
}

// spread writes dx by the formula above, written out, from dbias and dscale.
func (b *batchNormGrad) spread(worker, k int, dbias, dscale []float64) {
	var a, c, d [groupElems]float32
	lo, hi := b.bounds(k)
	for ch := lo; ch < hi; ch++ {
		inv := float64(b.invstd[ch])
		forG := float64(b.scale[ch]) * inv
		forX := -forG * dscale[ch-lo] * inv / b.count()
		a[ch-lo], c[ch-lo] = float32(forG), float32(forX)
		d[ch-lo] = float32(-forG*dbias[ch-lo]/b.count() - forX*float64(b.mean[ch]))
	}
	b.spans(k, func(ch, from, to int) {
		span := b.remaining(worker, from, to)
		b.parts(ch, to-from, func(ch, from, to int) {
			b.affine(span.part(from, to), ch, a[ch-lo], c[ch-lo], d[ch-lo])
		})
		b.dx.put(span.dx, from, to)
	})
}

// arriving reads a block for the first turn, and again for the second where g is not stored.
func (b *batchNormGrad) arriving(worker, from, to int) normBlock {
	return normBlock{
		dy: b.dy.read(b.room.of(worker, 0), from, to),
		x:  b.x.read(b.room.of(worker, 1), from, to),
		y:  b.y.read(b.room.of(worker, 2), from, to),
		g:  b.dresid.place(b.room.of(worker, 2), from, to),

		gate: b.room.of(worker, 2)[:to-from],
	}
}

// remaining reads a block for the second turn, in which dx takes the place of x.
func (b *batchNormGrad) remaining(worker, from, to int) normBlock {
	var t normBlock
	if b.dresid.absent() {
		t = b.arriving(worker, from, to)
	} else {
		t.x, t.g = b.x.read(b.room.of(worker, 1), from, to), b.dresid.read(b.room.of(worker, 2), from, to)
	}
	t.dx = b.dx.place(b.room.of(worker, 1), from, to)
	return t
}

func (b *batchNormGrad) plainSums(t normBlock, ch int) (sum, product float32) {
	return linalg.Sum(t.dy), linalg.DotDiff(t.dy, t.x, b.mean[ch])
}

func (b *batchNormGrad) plainAffine(t normBlock, _ int, a, c, d float32) {
	linalg.Affine2(t.dx, a, t.dy, c, t.x, d)
}

func (b *batchNormGrad) gatedSums(t normBlock, ch int) (sum, product float32) {
	return linalg.GatedSums(t.dy, t.x, b.factor[ch], b.shift[ch], b.mean[ch])
}

func (b *batchNormGrad) gatedAffine(t normBlock, ch int, a, c, d float32) {
	linalg.GatedAffine2(t.dx, t.dy, t.x, b.factor[ch], b.shift[ch], a, c, d)
}

func (b *batchNormGrad) rectifiedSums(t normBlock, ch int) (sum, product float32) {
	return linalg.RectifiedSums(t.g, t.dy, t.y, t.x, b.mean[ch])
}

func (b *batchNormGrad) openSums(t normBlock, ch int) (sum, product float32) {
	b.open(t, ch)
	return linalg.Sum(t.g), linalg.DotDiff(t.g, t.x, b.mean[ch])
}

func (b *batchNormGrad) openAffine(t normBlock, ch int, a, c, d float32) {
	if b.dresid.absent() {
		b.open(t, ch)
	}
	linalg.Affine2(t.dx, a, t.g, c, t.x, d)
}

// open makes g of a block.
func (b *batchNormGrad) open(t normBlock, ch int) {
	if t.y != nil {
		linalg.ReluGrad(t.g, t.dy, t.y)
		return
	}
	linalg.ScaleShift(t.gate, t.x, b.factor[ch], b.shift[ch])
	if b.act.kind == "relu" {
		linalg.ReluGrad(t.g, t.dy, t.gate)
	} else {
		linalg.ClampGrad(t.g, t.dy, t.gate, b.act.low, b.act.high)
	}
}

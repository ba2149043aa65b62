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
		Name: "batch_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormGrad"}, InPlace: []int{0, 1},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormGrad,
	})
	Register(Kernel{
		Name: "fused_batch_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "FusedBatchNormGrad"},
		InPlace: []int{1, 0, 7}, AlsoInPlace: [][2]int{{3, 0}, {3, 7}},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormGrad,
		Scratch: func(_ *graph.Node, threads int) int { return 4 * blockElems * threads },
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
	dy, x, y                  []float32
	scale, mean, invstd       []float32
	factor, shift             []float32
	dx, dscale, dbias, dresid []float32 // nil: not asked for
	act                       gate
	room                      []float32 // a block a thread

	// sums are those of g and g*(x-mean) over a block, affine sets dx = a*g + c*x + d there.
	sums   func(worker, ch, from, to int) (sum, product float32)
	affine func(worker, ch, from, to int, a, c, d float32)
}

func bindBatchNormGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	b := &batchNormGrad{
		channels: channelsOf(in[1]), dy: in[0].F32(), x: in[1].F32(), y: elements(in, 7),
		scale: in[2].F32(), mean: in[3].F32(), invstd: in[4].F32(), factor: elements(in, 5), shift: elements(in, 6),
		dx: elements(out, 0), dscale: elements(out, 1), dbias: elements(out, 2), dresid: elements(out, 3),
		act: gateOf(n), room: floats(s.Mem),
	}
	switch {
	case b.act.kind == "none":
		b.sums, b.affine = b.plainSums, b.plainAffine
	case b.act.kind == "relu" && b.y == nil && b.dresid == nil:
		b.sums, b.affine = b.gatedSums, b.gatedAffine
	case b.act.kind == "relu" && b.y != nil:
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
	b.each(k, func(ch, from, to int) {
		t, p := b.sums(worker, ch, from, to)
		total[ch-lo] += float64(t)
		product[ch-lo] += float64(p)
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
	if b.dx != nil {
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
	b.each(k, func(ch, from, to int) { b.affine(worker, ch, from, to, a[ch-lo], c[ch-lo], d[ch-lo]) })
}

func (b *batchNormGrad) plainSums(_, ch, from, to int) (sum, product float32) {
	g := b.dy[from:to]
	return linalg.Sum(g), linalg.DotDiff(g, b.x[from:to], b.mean[ch])
}

func (b *batchNormGrad) plainAffine(_, _, from, to int, a, c, d float32) {
	linalg.Affine2(b.dx[from:to], a, b.dy[from:to], c, b.x[from:to], d)
}

func (b *batchNormGrad) gatedSums(_, ch, from, to int) (sum, product float32) {
	return linalg.GatedSums(b.dy[from:to], b.x[from:to], b.factor[ch], b.shift[ch], b.mean[ch])
}

func (b *batchNormGrad) gatedAffine(_, ch, from, to int, a, c, d float32) {
	linalg.GatedAffine2(b.dx[from:to], b.dy[from:to], b.x[from:to], b.factor[ch], b.shift[ch], a, c, d)
}

func (b *batchNormGrad) rectifiedSums(worker, ch, from, to int) (sum, product float32) {
	return linalg.RectifiedSums(b.place(worker, from, to), b.dy[from:to], b.y[from:to], b.x[from:to], b.mean[ch])
}

func (b *batchNormGrad) openSums(worker, ch, from, to int) (sum, product float32) {
	g := b.open(worker, ch, from, to)
	return linalg.Sum(g), linalg.DotDiff(g, b.x[from:to], b.mean[ch])
}

func (b *batchNormGrad) openAffine(worker, ch, from, to int, a, c, d float32) {
	g := b.place(worker, from, to)
	if b.dresid == nil {
		g = b.open(worker, ch, from, to)
	}
	linalg.Affine2(b.dx[from:to], a, g, c, b.x[from:to], d)
}

// place is where g of a block is stored.
func (b *batchNormGrad) place(worker, from, to int) []float32 {
	if b.dresid != nil {
		return b.dresid[from:to]
	}
	return b.room[worker*blockElems:][:to-from]
}

// open stores g of a block.
func (b *batchNormGrad) open(worker, ch, from, to int) []float32 {
	g, dy := b.place(worker, from, to), b.dy[from:to]
	if b.y != nil {
		linalg.ReluGrad(g, dy, b.y[from:to])
		return g
	}
	linalg.ScaleShift(g, b.x[from:to], b.factor[ch], b.shift[ch])
	if b.act.kind == "relu" {
		linalg.ReluGrad(g, dy, g)
	} else {
		linalg.ClampGrad(g, dy, g, b.act.low, b.act.high)
	}
	return g
}

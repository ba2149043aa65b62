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
		Name: "batch_norm", Op: onnx("BatchNormalization"), InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5},
		When: func(n *graph.Node) bool {
			return channelsFit(n) && n.Op.Since > 7 && !n.Attrs.Bool("training_mode", false) && len(n.Out) == 1
		},
		Bind: bindBatchNorm,
	})
	Register(Kernel{
		Name: "batch_norm_training", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormTraining"}, InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormTraining,
	})
	Register(Kernel{
		Name: "batch_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "BatchNormGrad"}, InPlace: []int{0, 1},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, When: channelsFit, Bind: bindBatchNormGrad,
	})
}

func channelsFit(n *graph.Node) bool {
	return allFloat32(n) && nonEmpty(n) && len(n.In[0].Type.Shape) >= 2
}

// channels walks the planes of one channel of a tensor [N, C, …].
type channels struct{ n, c, plane int }

func channelsOf(t *tensor.Tensor) channels {
	return channels{t.Shape[0], t.Shape[1], t.Shape[2:].Elems()}
}

// count is the number of elements of a channel.
func (c channels) count() float64 { return float64(c.n * c.plane) }

// at is plane i of channel ch.
func (c channels) at(x []float32, i, ch int) []float32 {
	from := (i*c.c + ch) * c.plane
	return x[from : from+c.plane : from+c.plane]
}

// moments are a channel's mean and population variance. The mean is taken off before squaring, so that a large one
// costs no digits; sums of planes are added in float64.
func (c channels) moments(x []float32, ch int) (mean, variance float64) {
	var total float64
	for i := range c.n {
		total += float64(linalg.Sum(c.at(x, i, ch)))
	}
	mean = total / c.count()
	total = 0
	for i := range c.n {
		total += float64(linalg.SumSquaredDiff(c.at(x, i, ch), float32(mean)))
	}
	return mean, total / c.count()
}

// scaleShift writes x*a + b over a channel.
func (c channels) scaleShift(y, x []float32, ch int, a, b float32) {
	for i := range c.n {
		linalg.ScaleShift(c.at(y, i, ch), c.at(x, i, ch), a, b)
	}
}

func bindBatchNorm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, bias, mean, variance, y := in[0].F32(), in[1].F32(), in[2].F32(), in[3].F32(), in[4].F32(), out[0].F32()
	eps := n.Attrs.Float("epsilon", 1e-5)
	c := channelsOf(in[0])
	body := func(_, lo, hi int) {
		for ch := lo; ch < hi; ch++ {
			a := float32(float64(scale[ch]) / math.Sqrt(float64(variance[ch])+eps))
			c.scaleShift(y, x, ch, a, bias[ch]-float32(a*mean[ch]))
		}
	}
	return func() error {
		s.Pool.For(c.c, 1, body)
		return nil
	}, nil
}

func bindBatchNormTraining(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, bias, mean, variance, y := in[0].F32(), in[1].F32(), in[2].F32(), in[3].F32(), in[4].F32(), out[0].F32()
	newMean, newVariance, savedMean, savedInvStd := elements(out, 1), elements(out, 2), elements(out, 3), elements(out, 4)
	eps, momentum := n.Attrs.Float("epsilon", 1e-5), n.Attrs.Float("momentum", 0.9)
	c := channelsOf(in[0])
	blend := func(to []float32, ch int, old float32, now float64) {
		if to != nil {
			to[ch] = float32(momentum*float64(old) + (1-momentum)*now)
		}
	}
	body := func(_, lo, hi int) {
		for ch := lo; ch < hi; ch++ {
			m, v := c.moments(x, ch)
			inv := 1 / math.Sqrt(v+eps)
			a := float64(scale[ch]) * inv
			c.scaleShift(y, x, ch, float32(a), float32(float64(bias[ch])-a*m))
			blend(newMean, ch, mean[ch], m)
			blend(newVariance, ch, variance[ch], v)
			if savedMean != nil {
				savedMean[ch] = float32(m)
			}
			if savedInvStd != nil {
				savedInvStd[ch] = float32(inv)
			}
		}
	}
	return func() error {
		s.Pool.For(c.c, 1, body)
		return nil
	}, nil
}

// bindBatchNormGrad computes, with xhat = (x-mean)*invstd,
//
//	dbias = sum(dy), dscale = sum(dy*xhat), dx = scale*invstd*(dy - dbias/n - xhat*dscale/n)
func bindBatchNormGrad(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	dy, x, scale, mean, invstd := in[0].F32(), in[1].F32(), in[2].F32(), in[3].F32(), in[4].F32()
	dx, dscale, dbias := elements(out, 0), elements(out, 1), elements(out, 2)
	c := channelsOf(in[1])
	body := func(_, lo, hi int) {
		for ch := lo; ch < hi; ch++ {
			var total, product float64
			for i := range c.n {
				g := c.at(dy, i, ch)
				total += float64(linalg.Sum(g))
				product += float64(linalg.DotDiff(g, c.at(x, i, ch), mean[ch]))
			}
			m, inv := float64(mean[ch]), float64(invstd[ch])
			along := product * inv
			if dbias != nil {
				dbias[ch] = float32(total)
			}
			if dscale != nil {
				dscale[ch] = float32(along)
			}
			if dx == nil {
				continue
			}
			// dx = a*dy + b*x + k, written out.
			a := float64(scale[ch]) * inv
			b := -a * along * inv / c.count()
			k := -a*total/c.count() - b*m
			for i := range c.n {
				linalg.Affine2(c.at(dx, i, ch), float32(a), c.at(dy, i, ch), float32(b), c.at(x, i, ch), float32(k))
			}
		}
	}
	return func() error {
		s.Pool.For(c.c, 1, body)
		return nil
	}, nil
}

package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
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
}

func channelsFit(n *graph.Node) bool {
	return allFloat32(n) && nonEmpty(n) && len(n.In[0].Type.Shape) >= 2
}

// channels are the planes of a tensor [N, C, …] by channel.
type channels struct{ n, c, plane int }

func channelsOf(t *tensor.Tensor) channels {
	return channels{t.Shape[0], t.Shape[1], t.Shape[2:].Elems()}
}

// at is plane i of channel ch.
func (c channels) at(x []float32, i, ch int) []float32 {
	from := (i*c.c + ch) * c.plane
	return x[from : from+c.plane : from+c.plane]
}

// count is the number of elements of a channel.
func (c channels) count() float64 { return float64(c.n * c.plane) }

const (
	// blockElems is the most that loops over channels do at a time: with the blocks that belong to it, it is in the first
	// cache.
	blockElems = 4096
	// groupElems is what small planes that lie side by side have together at least when channels are worked on together:
	// reading a few cache lines here and there is slow.
	groupElems = 1024
)

// group is the number of channels that are worked on together.
func (c channels) group() int { return min(c.c, max(1, groupElems/c.plane)) }

func (c channels) groups() int { return ceilDiv(c.c, c.group()) }

// bounds are the first channel of group g and the first one behind.
func (c channels) bounds(g int) (lo, hi int) { return g * c.group(), min((g+1)*c.group(), c.c) }

// each calls f with the blocks of the channels of group g in the order of memory: elements from to to of the tensor, of
// channel ch.
func (c channels) each(g int, f func(ch, from, to int)) {
	lo, hi := c.bounds(g)
	for i := range c.n {
		for ch := lo; ch < hi; ch++ {
			end := (i*c.c + ch + 1) * c.plane
			for at := end - c.plane; at < end; at += blockElems {
				f(ch, at, min(at+blockElems, end))
			}
		}
	}
}

func bindBatchNorm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, bias, mean, variance, y := in[0].F32(), in[1].F32(), in[2].F32(), in[3].F32(), in[4].F32(), out[0].F32()
	eps := n.Attrs.Float("epsilon", 1e-5)
	c := channelsOf(in[0])
	body := func(_, lo, hi int) {
		for r := lo; r < hi; r++ {
			i, ch := r/c.c, r%c.c
			a := float32(float64(scale[ch]) / math.Sqrt(float64(variance[ch])+eps))
			linalg.ScaleShift(c.at(y, i, ch), c.at(x, i, ch), a, bias[ch]-float32(a*mean[ch]))
		}
	}
	return func() error {
		s.Pool.For(c.n*c.c, max(1, chunk/c.plane), body)
		return nil
	}, nil
}

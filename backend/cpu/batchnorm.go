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
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, Half: halfAmong([]int{0}, []int{0}),
		When: func(n *graph.Node) bool {
			return channelsFit(n) && n.Op.Since > 7 && !n.Attrs.Bool("training_mode", false) && len(n.Out) == 1
		},
		Scratch: normRooms, Bind: bindBatchNorm,
	})
}

func channelsFit(n *graph.Node) bool {
	return allFloat(n) && nonEmpty(n) && len(n.In[0].Type.Shape) >= 2
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

// spans calls f with the blocks of group g in the order of memory: elements from to to of the tensor, which are those of whole
// channels from ch on or a part of channel ch.
func (c channels) spans(g int, f func(ch, from, to int)) {
	lo, hi := c.bounds(g)
	for i := range c.n {
		end := (i*c.c + hi) * c.plane
		for at := (i*c.c + lo) * c.plane; at < end; at += blockElems {
			f(lo, at, min(at+blockElems, end))
		}
	}
}

// parts calls f with what a span of size elements from channel ch on has of each channel.
func (c channels) parts(ch, size int, f func(ch, from, to int)) {
	for at := 0; at < size; at += c.plane {
		f(ch, at, min(at+c.plane, size))
		ch++
	}
}

// normRooms is the Scratch of what works on spans of up to three operands.
func normRooms(_ *graph.Node, threads int) int { return roomBytes(3, blockElems, threads) }

func bindBatchNorm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, bias, mean, variance, y := vectorOf(in[0]), in[1].F32(), in[2].F32(), in[3].F32(), in[4].F32(), vectorOf(out[0])
	eps := n.Attrs.Float("epsilon", 1e-5)
	c, room := channelsOf(in[0]), roomsIn(s, 3, blockElems)
	body := func(worker, lo, hi int) {
		block := room.of(worker, 0)
		for r := lo; r < hi; r++ {
			ch := r % c.c
			a := float32(float64(scale[ch]) / math.Sqrt(float64(variance[ch])+eps))
			for from, end := r*c.plane, (r+1)*c.plane; from < end; from += blockElems {
				to := min(from+blockElems, end)
				dst := y.place(block, from, to)
				linalg.ScaleShift(dst, x.read(block, from, to), a, bias[ch]-float32(a*mean[ch]))
				y.put(dst, from, to)
			}
		}
	}
	return func() error {
		s.Pool.For(c.n*c.c, max(1, chunk/c.plane), body)
		return nil
	}, nil
}

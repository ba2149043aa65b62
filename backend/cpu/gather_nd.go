package cpu

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "gather_nd", Op: onnx("GatherND"),
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			b := blocksOf(in[1], in[0].Shape, n.Attrs.Int("batch_dims", 0))
			width := b.size * in[0].DType.Size()
			x, y, one := in[0].Data, out[0].Data, in[0].DType.Size()
			body := func(_, lo, hi int) {
				for k := lo; k < hi; k++ {
					copy(y[k*width:][:width], x[b.at(k)*one:])
				}
			}
			return func() error {
				if err := b.check(); err != nil {
					return err
				}
				s.Pool.For(b.count, max(1, 4*chunk/max(width, 1)), body)
				return nil
			}, nil
		},
	})
	Register(Kernel{
		Name: "scatter_nd", Op: onnx("ScatterND"), When: scatters, InPlace: []int{0},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			b := blocksOf(in[1], in[0].Shape, 0)
			x, y := in[0].Data, out[0].Data
			keep := func(_, lo, hi int) { copy(y[lo:hi], x[lo:hi]) }
			join := b.join(out[0].F32(), in[2].F32(), n.Attrs.String("reduction", "none") == "add")
			return func() error {
				if err := b.check(); err != nil {
					return err
				}
				s.Pool.For(len(y), 4*chunk, keep)
				join()
				return nil
			}, nil
		},
	})
	Register(Kernel{
		Name: "gather_nd_grad", Op: graph.OpID{Domain: op.Internal, Type: "GatherNDGrad"},
		When: func(n *graph.Node) bool { return n.Out[0].Type.DType == tensor.Float32 },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			b := blocksOf(in[0], out[0].Shape, n.Attrs.Int("batch_dims", 0))
			y := out[0].F32()
			zero := func(_, lo, hi int) { clear(y[lo:hi]) }
			join := b.join(y, in[1].F32(), true)
			return func() error {
				if err := b.check(); err != nil {
					return err
				}
				s.Pool.For(len(y), chunk, zero)
				join()
				return nil
			}, nil
		},
	})
}

// blocks addresses blocks of a tensor with tuples of indices, the last axis of the index tensor.
type blocks struct {
	index   indices // without a dimension of its own
	dims    []int   // that the tuples index
	strides []int
	count   int // tuples
	size    int // elements of a block
	each    int // tuples of a batch
	batch   int // elements of a batch
}

func blocksOf(index *tensor.Tensor, shape tensor.Shape, batch int) *blocks {
	last := len(index.Shape) - 1
	width := index.Shape[last]
	return &blocks{
		index: newIndices(index, 0), dims: shape[batch : batch+width], strides: shape.Strides()[batch : batch+width],
		count: index.Shape[:last].Elems(), size: shape[batch+width:].Elems(),
		each: max(1, index.Shape[batch:last].Elems()), batch: shape[batch:].Elems(),
	}
}

// at is the first element of block k.
func (b *blocks) at(k int) int {
	first := k / b.each * b.batch
	for d, dim := range b.dims {
		i := b.index.at(k*len(b.dims) + d)
		if i < 0 {
			i += dim
		}
		first += i * b.strides[d]
	}
	return first
}

func (b *blocks) check() error {
	for k := range b.index.len() {
		dim := b.dims[k%len(b.dims)]
		if i := b.index.at(k); i < -dim || i >= dim {
			return fmt.Errorf("index %d at position %d is outside of [-%d, %d)", i, k, dim, dim)
		}
	}
	return nil
}

// join puts or adds updates to the blocks of y, one after the other, as tuples may meet.
func (b *blocks) join(y, updates []float32, add bool) func() {
	return func() {
		for k := range b.count {
			to, from := y[b.at(k):][:b.size], updates[k*b.size:][:b.size]
			if add {
				addVV(to, to, from)
			} else {
				copy(to, from)
			}
		}
	}
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// mapKernel is a kernel that applies f to chunks of the first input; f may be called with dst and x the same.
func mapKernel(name string, id graph.OpID, f func(dst, x []float32)) Kernel {
	return mapWith(name, id, func(*graph.Node) func(dst, x []float32) { return f })
}

// mapWith is a mapKernel whose function depends on the node's attributes.
func mapWith(name string, id graph.OpID, choose func(n *graph.Node) func(dst, x []float32)) Kernel {
	return Kernel{
		Name: name, Op: id, InPlace: []int{0}, When: allFloat, Half: hasHalf, Scratch: elementRooms,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindMap(s, out[0], in[0], choose(n)), nil
		},
		loops: func(n *graph.Node) loops { return loops{one: choose(n)} },
	}
}

// elementRooms is the Scratch of what works element by element on up to two operands.
func elementRooms(_ *graph.Node, threads int) int { return roomBytes(2, halfBlock, threads) }

// halfBlock is the number of bf16 elements that are widened at a time: with two operands 8 KiB of float32.
const halfBlock = 1024

// stepOf is the number of elements that are worked on at a time.
func stepOf(operands ...vector) int {
	for _, v := range operands {
		if v.half != nil {
			return halfBlock
		}
	}
	return chunk
}

func bindMap(s Scratch, ty, tx *tensor.Tensor, f func(dst, x []float32)) func() error {
	y, x, room := vectorOf(ty), vectorOf(tx), roomsIn(s, 2, halfBlock)
	step := stepOf(y, x)
	body := func(worker, lo, hi int) {
		block := room.of(worker, 0)
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			dst := y.place(block, lo, end)
			f(dst, x.read(block, lo, end))
			y.put(dst, lo, end)
		}
	}
	return func() error {
		s.Pool.For(y.len(), chunk, body)
		return nil
	}
}

// zipKernel is a kernel that applies f to chunks of the first two inputs, which have one shape; f may be called with
// dst the same as either.
func zipKernel(name string, id graph.OpID, f func(dst, a, b []float32)) Kernel {
	return zipWith(name, id, func(*graph.Node) func(dst, a, b []float32) { return f })
}

// zipWith is a zipKernel whose function depends on the node's attributes.
func zipWith(name string, id graph.OpID, choose func(n *graph.Node) func(dst, a, b []float32)) Kernel {
	return Kernel{
		Name: name, Op: id, InPlace: []int{0, 1}, When: allFloat, Half: hasHalf, Scratch: elementRooms,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindZip(s, out[0], in[0], in[1], choose(n)), nil
		},
		loops: func(n *graph.Node) loops { return loops{two: binary{vv: choose(n)}} },
	}
}

func bindZip(s Scratch, ty, ta, tb *tensor.Tensor, f func(dst, a, b []float32)) func() error {
	y, a, b, room := vectorOf(ty), vectorOf(ta), vectorOf(tb), roomsIn(s, 2, halfBlock)
	step := stepOf(y, a, b)
	body := func(worker, lo, hi int) {
		first, second := room.of(worker, 0), room.of(worker, 1)
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			dst := y.place(first, lo, end)
			f(dst, a.read(first, lo, end), b.read(second, lo, end))
			y.put(dst, lo, end)
		}
	}
	return func() error {
		s.Pool.For(y.len(), chunk, body)
		return nil
	}
}

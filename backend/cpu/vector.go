package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// vector is the elements of a tensor of float32 or bf16. Kernels take them block by block as float32: those of float32 where
// they are, those of bf16 in room that the kernel gives. The zero vector is that of an absent tensor.
type vector struct {
	wide []float32
	half []uint16
}

func vectorOf(t *tensor.Tensor) vector {
	switch {
	case t == nil:
		return vector{}
	case t.DType == tensor.BFloat16Type:
		return vector{half: bf16(t)}
	}
	return vector{wide: t.F32()}
}

// vectorAt is vectorOf the tensor i of a list, absent behind its end.
func vectorAt(ts []*tensor.Tensor, i int) vector {
	if i >= len(ts) {
		return vector{}
	}
	return vectorOf(ts[i])
}

func (v *vector) absent() bool { return v.wide == nil && v.half == nil }

func (v *vector) len() int { return len(v.wide) + len(v.half) }

// read gives the elements [lo, hi), widened into room where they are bf16; nil of an absent tensor.
func (v *vector) read(room []float32, lo, hi int) []float32 {
	if v.half == nil {
		if v.wide == nil {
			return nil
		}
		return v.wide[lo:hi:hi]
	}
	block := room[: hi-lo : hi-lo]
	linalg.Widen(block, v.half[lo:hi])
	return block
}

// place is where the elements [lo, hi) are to be written before they are put: room unless they are float32. It may be room that
// the operands of their computation were read into, if that may be done in place.
func (v *vector) place(room []float32, lo, hi int) []float32 {
	if v.wide != nil {
		return v.wide[lo:hi:hi]
	}
	return room[: hi-lo : hi-lo]
}

// put stores a block that was written in its place.
func (v *vector) put(block []float32, lo, hi int) {
	if v.half != nil {
		linalg.Narrow(v.half[lo:hi], block)
	}
}

// rooms are some blocks of float32 of one size for each worker.
type rooms struct {
	memory      []float32
	count, size int
}

func roomBytes(count, size, threads int) int { return 4 * threads * count * lines(size) }

// roomsIn cuts a node's scratch of roomBytes into rooms.
func roomsIn(s Scratch, count, size int) rooms { return rooms{floats(s.Mem), count, lines(size)} }

func (r *rooms) of(worker, i int) []float32 { return r.memory[(worker*r.count+i)*r.size:][:r.size] }

// allFloat is a When of kernels that know float32 and bf16.
func allFloat(n *graph.Node) bool {
	for _, v := range slices.Concat(n.In, n.Out) {
		if v != nil && v.Type.DType != tensor.Float32 && v.Type.DType != tensor.BFloat16Type || v != nil && len(v.Type.Shape) > maxRank {
			return false
		}
	}
	return true
}

// halfAmong is the Half of kernels that take bf16 in some inputs and outputs, and float32 in the others.
func halfAmong(in, out []int) func(n *graph.Node) bool {
	return func(n *graph.Node) bool {
		for i, v := range n.In {
			if isHalf(v) && !slices.Contains(in, i) {
				return false
			}
		}
		for i, v := range n.Out {
			if isHalf(v) && !slices.Contains(out, i) {
				return false
			}
		}
		return true
	}
}

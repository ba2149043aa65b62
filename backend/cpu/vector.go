package cpu

import (
	"math"
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

// from is the elements from at on; of an absent tensor there are none.
func (v *vector) from(at int) vector {
	switch {
	case v.half != nil:
		return vector{half: v.half[at:]}
	case v.wide != nil:
		return vector{wide: v.wide[at:]}
	}
	return vector{}
}

func (v *vector) len() int { return len(v.wide) + len(v.half) }

// read gives the elements [lo, hi), widened into room where they are bf16; nil of an absent tensor.
func (v *vector) read(room []float32, lo, hi int) []float32 {
	if v.wide != nil {
		return v.wide[lo:hi:hi]
	}
	return v.widened(room, lo, hi)
}

func (v *vector) widened(room []float32, lo, hi int) []float32 {
	if v.half == nil {
		return nil
	}
	block := room[: hi-lo : hi-lo]
	linalg.Widen(block, v.half[lo:hi])
	return block
}

func (v *vector) at(i int) float32 {
	if v.wide != nil {
		return v.wide[i]
	}
	return math.Float32frombits(uint32(v.half[i]) << 16)
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

// convert sets n elements from to on to those of x, which is of the other type, from from on.
func (v *vector) convert(to int, x *vector, from, n int) {
	if v.half != nil {
		linalg.Narrow(v.half[to:to+n], x.wide[from:from+n])
	} else {
		linalg.Widen(v.wide[to:to+n], x.half[from:from+n])
	}
}

func (v *vector) set(i int, x float32) {
	if v.wide != nil {
		v.wide[i] = x
		return
	}
	one := [1]float32{x}
	linalg.Narrow(v.half[i:i+1], one[:])
}

// rooms are some blocks of float32 of one size for each worker.
type rooms struct {
	memory      []float32
	count, size int
}

func roomBytes(count, size, threads int) int { return 4 * threads * count * lines(size) }

// roomsIn cuts a node's scratch of roomBytes into rooms.
func roomsIn(s Scratch, count, size int) rooms { return rooms{floats(s.Mem), count, lines(size)} }

// of is room i of a worker; a kernel that asked for no scratch, as it has nothing to widen, has none.
func (r *rooms) of(worker, i int) []float32 {
	if len(r.memory) == 0 {
		return nil
	}
	return r.memory[(worker*r.count+i)*r.size:][:r.size]
}

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

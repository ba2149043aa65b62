package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

const (
	// maxRank bounds the rank that kernels take; the reference runs larger ones.
	maxRank = 8
	// maxOperands bounds the tensors that one loop nest walks, the result included.
	maxOperands = 4
	// chunk is how many elements a call of a loop body takes: 64 KiB of float32, so that the operands stay in L2.
	chunk = 16 << 10
)

// offsets are the positions of a nest's operands, in elements.
type offsets [maxOperands]int

// nest is a loop nest that several operands walk together, each with its own strides.
type nest struct {
	dims    []int // outermost first, at least one
	strides [][]int
	total   int
}

// newNest drops dimensions of 1 and merges neighbours that every operand walks as one.
func newNest(dims []int, strides ...[]int) *nest {
	s := &nest{strides: make([][]int, len(strides)), total: tensor.Shape(dims).Elems()}
	for d, size := range dims {
		if size == 1 {
			continue
		}
		last := len(s.dims) - 1
		merge := last >= 0
		for k := range strides {
			merge = merge && s.strides[k][last] == size*strides[k][d]
		}
		if merge {
			s.dims[last] *= size
			for k := range strides {
				s.strides[k][last] = strides[k][d]
			}
			continue
		}
		s.dims = append(s.dims, size)
		for k := range strides {
			s.strides[k] = append(s.strides[k], strides[k][d])
		}
	}
	if len(s.dims) == 0 {
		s.dims = []int{1}
		for k := range strides {
			s.strides[k] = []int{1}
		}
	}
	return s
}

// inner is the stride of operand k along the innermost dimension.
func (s *nest) inner(k int) int { return s.strides[k][len(s.dims)-1] }

// cursor is a place in a nest.
type cursor struct {
	s     *nest
	index [maxRank]int
	at    offsets
}

// cursor is the place of element i.
func (s *nest) cursor(i int) cursor {
	c := cursor{s: s}
	for d := len(s.dims) - 1; d >= 0; d-- {
		c.index[d] = i % s.dims[d]
		i /= s.dims[d]
		for k := range s.strides {
			c.at[k] += c.index[d] * s.strides[k][d]
		}
	}
	return c
}

// advance moves n elements on, at most to the end of the innermost dimension.
func (c *cursor) advance(n int) {
	for d := len(c.s.dims) - 1; d >= 0; d-- {
		c.index[d] += n
		for k, strides := range c.s.strides {
			c.at[k] += n * strides[d]
		}
		if c.index[d] < c.s.dims[d] {
			return
		}
		for k, strides := range c.s.strides {
			c.at[k] -= c.index[d] * strides[d]
		}
		c.index[d] = 0
		n = 1
	}
}

// runs visits the elements [lo, hi) in order as runs along the innermost dimension and calls f with the positions at
// the start of each run and its length.
func (s *nest) runs(lo, hi int, f func(at offsets, n int)) {
	if lo >= hi {
		return // the cursor divides by dimensions, of which one may be 0
	}
	last := len(s.dims) - 1
	for c := s.cursor(lo); lo < hi; {
		n := min(s.dims[last]-c.index[last], hi-lo)
		f(c.at, n)
		lo += n
		c.advance(n)
	}
}

// broadcastNest walks a result of shape out and inputs that broadcast to it.
func broadcastNest(out tensor.Shape, in ...tensor.Shape) *nest {
	strides := [][]int{out.Strides()}
	for _, s := range in {
		strides = append(strides, s.BroadcastStrides(out))
	}
	return newNest(out, strides...)
}

// typed reports whether all inputs and outputs that are there have the element type and a rank that kernels take.
func typed(n *graph.Node, dt tensor.DType) bool {
	for _, list := range [][]*graph.Value{n.In, n.Out} {
		for _, v := range list {
			if v != nil && (v.Type.DType != dt || len(v.Type.Shape) > maxRank) {
				return false
			}
		}
	}
	return true
}

// allFloat32 is a When of kernels that know float32 only.
func allFloat32(n *graph.Node) bool { return typed(n, tensor.Float32) }

// onnx names an operator of ai.onnx in any version.
func onnx(typ string) graph.OpID { return graph.OpID{Type: typ} }

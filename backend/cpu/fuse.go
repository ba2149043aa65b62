package cpu

import (
	"sync"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Array is memory that fused nodes work on: it holds In before them and Out after them, element by element. Without In it
// is only written, without Out only read.
type Array struct{ In, Out *graph.Value }

// Fused is nodes that work element by element, as one loop over blocks of elements. What a node leaves for another stays
// in the first level of cache; no intermediate result is ever there as a whole. The functions that run on a block are
// those of the nodes' kernels, so the results are the bits that the nodes give one by one.
type Fused struct {
	consts  []float32
	scalars []*graph.Value // behind the constants
	arrays  int
	temps   int // blocks besides those of arrays
	block   int // elements
	code    []instruction
	frames  sync.Pool
}

// instruction computes a block. v are the blocks of arrays and of intermediate results, s the numbers.
type instruction func(v [][]float32, s []float32)

// frame is the memory of a run in progress.
type frame struct {
	blocks, temps [][]float32
	numbers       []float32
}

// Scalars are the values that Run wants as numbers, truth as 1 and 0.
func (f *Fused) Scalars() []*graph.Value { return f.scalars }

// Run computes the elements [lo, hi) of the arrays, which are in the order that Fuse saw and must not overlap. Runs over
// different elements may go on at once.
func (f *Fused) Run(arrays [][]float32, scalars []float32, lo, hi int) {
	r, _ := f.frames.Get().(*frame)
	if r == nil {
		r = f.newFrame()
	}
	r.numbers = append(append(r.numbers[:0], f.consts...), scalars...)
	for ; lo < hi; lo += f.block {
		end := min(lo+f.block, hi)
		for i, a := range arrays[:f.arrays] {
			r.blocks[i] = a[lo:end]
		}
		for i, t := range r.temps {
			r.blocks[f.arrays+i] = t[:end-lo]
		}
		for _, do := range f.code {
			do(r.blocks, r.numbers)
		}
	}
	clear(r.blocks) // the arrays' owner may drop them
	f.frames.Put(r)
}

func (f *Fused) newFrame() *frame {
	r := &frame{blocks: make([][]float32, f.arrays+f.temps), temps: make([][]float32, f.temps)}
	memory := make([]float32, f.temps*f.block)
	for i := range r.temps {
		r.temps[i] = memory[i*f.block : (i+1)*f.block]
	}
	return r
}

const (
	// fusedBytes is what the blocks of a run take together. Of a first-level cache of 32 KiB and more that leaves room for
	// what the processor reads ahead of the arrays; 8 KiB measured best, 4 to 16 KiB within 5 %.
	fusedBytes = 8 << 10
	// From leastBlock elements on a block is worth the calls of its instructions; beyond mostBlock nothing is to be gained.
	leastBlock, mostBlock = 256, 1024
)

func blockOf(arrays int) int {
	return min(max(fusedBytes/4/max(arrays, 1), leastBlock), mostBlock) &^ 63
}

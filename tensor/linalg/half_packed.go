package linalg

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// HalfPacked is an operand B that is kept as HalfTile wants it, for many products: weights over a step. It is good for any
// instruction set.
type HalfPacked struct {
	rows, cols int
	data       []uint16
	body       func(worker, lo, hi int)
	from       halfLanes
}

// HalfPackedSize is the number of bf16s that a packed B of k rows and n columns takes.
func HalfPackedSize(k, n int) int { return roundUp(k, HalfSteps) * roundUp(n, HalfCols) }

// NewHalfPacked gives room for a B of k rows and n columns in HalfPackedSize elements of memory, or in its own where memory is
// nil.
func NewHalfPacked(k, n int, memory []uint16) *HalfPacked {
	size := HalfPackedSize(k, n)
	if memory == nil {
		memory = make([]uint16, size)
	}
	if len(memory) < size {
		panic(fmt.Sprintf("linalg: a packed %dx%d takes %d elements, not %d", k, n, size, len(memory)))
	}
	p := &HalfPacked{rows: k, cols: n, data: memory[:size]}
	p.body = p.pack
	return p
}

// steps is the padded number of rows.
func (p *HalfPacked) steps() int { return roundUp(p.rows, HalfSteps) }

// Pack takes over the elements of b. It does not allocate.
func (p *HalfPacked) Pack(pool *par.Pool, b HalfMat) {
	if b.Rows != p.rows || b.Cols != p.cols {
		panic(fmt.Sprintf("linalg: %dx%d to pack in the room of %dx%d", b.Rows, b.Cols, p.rows, p.cols))
	}
	b.check("B", 0)
	p.from = lanesOf(&b, 0, b.ColStride, b.RowStride)
	pool.For(parts(p.cols, halfPackLanes)*parts(p.rows, halfBlock), 1, p.body)
	p.from = halfLanes{}
}

func (p *HalfPacked) pack(_, lo, hi int) {
	var stage [HalfCols * halfBlock]uint16
	for task := lo; task < hi; task++ {
		k0, j0 := task/parts(p.cols, halfPackLanes)*halfBlock, task%parts(p.cols, halfPackLanes)*halfPackLanes
		k1, j1 := min(k0+halfBlock, p.rows), min(j0+halfPackLanes, p.cols)
		p.from.panels(p.data[j0*p.steps()+k0*HalfCols:], p.steps(), stage[:], k0, k1, roundUp(k1-k0, HalfSteps), j0, j1)
	}
}

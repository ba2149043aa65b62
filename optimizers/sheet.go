package optimizers

import (
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// sheet is the layout in which a tensor meets its factors in single precision or bf16: the second axis, inputs, goes
// innermost, after the others, which are short, as those of a convolution's window are. outs×(short·ins) and
// (outs·short)×ins are then matrices to multiply onto the first two axes without copies, and the short axes are
// multiplied by one matrix, the Kronecker product of theirs, while a slab short×ins is in the first cache.
type sheet struct {
	outs, ins, short int
	half             bool // products and rows are in bf16

	// One slab as a Sweep reads it: rows pitch apart, so that they do not compete for places in the cache.
	sweeper       linalg.Sweeper
	pitch         int
	steps, starts []int32
}

// maxShort bounds the matrix of the short axes.
const maxShort = 64

// newSheet is nil for factors that are not all dense and of one precision, and where the axes after the second are long.
func newSheet(dims []int, factors []axisFactor) *sheet {
	s := &sheet{outs: dims[0], ins: 1, short: 1, half: factors[0].bf16, sweeper: linalg.NewSweeper()}
	for _, f := range factors {
		if f.structure.kind != "dense" || f.bf16 != s.half {
			return nil
		}
	}
	if len(dims) > 1 {
		s.ins, s.short = dims[1], tensor.Shape(dims[2:]).Elems()
	}
	if s.short > maxShort {
		return nil
	}
	lanes := s.sweeper.Lanes()
	tiles := (s.ins + 2*lanes - 1) / (2 * lanes)
	s.pitch = (tiles + 1) * 2 * lanes
	for k := range s.short {
		s.steps = append(s.steps, int32(k*s.pitch))
	}
	for v := range 2 * tiles {
		s.starts = append(s.starts, int32(v*lanes))
	}
	return s
}

func (s *sheet) slab() int { return s.short * s.ins }

func (s *sheet) elems() int { return s.outs * s.slab() }

// room is what a worker of a pass takes.
func (s *sheet) room() int { return 2 * s.short * s.pitch }

// rows is memory for a sheet, in bf16 where products are.
func (s *sheet) rows(a *arena[float32]) linalg.HalfMat {
	if s.half {
		return linalg.HalfMat{BF16: asHalves(a.take((s.elems() + 1) / 2))[:s.elems()]}
	}
	return linalg.HalfMat{F32: a.take(s.elems())}
}

// onto is a matrix to multiply onto one of the first two axes.
type onto struct {
	axis int
	m    linalg.HalfMat
}

// along multiplies matrices onto x, one after the other, in scratch memory; exact has the last result in float32.
func (s *sheet) along(a *arena[float32], x linalg.HalfMat, matrices []onto, exact bool) linalg.HalfMat {
	var rooms [2]linalg.HalfMat
	for i, by := range matrices {
		if i < len(rooms) {
			rooms[i] = s.rows(a)
		}
		y := rooms[i%2]
		if exact && s.half && i == len(matrices)-1 {
			y = linalg.HalfMat{F32: a.take(s.elems())}
		}
		if by.axis == 0 {
			multiply(a, by.m, shaped(x, s.outs, s.slab()), shaped(y, s.outs, s.slab()))
		} else {
			multiply(a, shaped(x, s.outs*s.short, s.ins), by.m.T(), shaped(y, s.outs*s.short, s.ins))
		}
		x = y
	}
	return x
}

// outer is U·Uᵀ of the unfolding U of x along one of the first two axes.
func (s *sheet) outer(a *arena[float32], x linalg.HalfMat, axis int, out []float32) {
	u := shaped(x, s.outs, s.slab())
	if axis == 1 {
		u = shaped(x, s.outs*s.short, s.ins).T()
	}
	multiplySquare(a, u, out)
}

// outerShort is the same of the short axes taken together.
func (s *sheet) outerShort(a *arena[float32], x linalg.HalfMat, out []float32) {
	mark, size := a.used, s.short*s.short
	each := a.take(s.outs * size)
	u := shaped(x, s.short, s.ins)
	multiplyEach(a, s.outs, u, u.T(), shaped(linalg.HalfMat{F32: each}, s.short, s.short), s.slab(), s.slab(), size)
	copy(out, each[:size])
	for o := 1; o < s.outs; o++ {
		linalg.Add(out, out, each[o*size:][:size])
	}
	a.release(mark)
}

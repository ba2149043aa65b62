package optimizers

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// sheetPass goes over the slabs of a tensor with short axes: apart lays it out as a sheet, together takes a step along
// one. It is kept for reuse with its loop bodies, so that a step allocates nothing.
type sheetPass struct {
	*sheet
	rows linalg.HalfMat
	room []float32 // by worker

	source, matrix []float32 // apart: the tensor, and what to multiply onto its short axes

	step      linalg.Momentum[float32] // together
	w, buffer []float32

	apartBody, togetherBody func(worker, lo, hi int)
}

// slabGrain is about how many elements a task of a pass goes over.
const slabGrain = 1 << 15

// apart is x as a sheet, with matrix multiplied onto its short axes.
func (p *sheetPass) apart(a *arena[float32], s *sheet, x, matrix []float32) linalg.HalfMat {
	p.sheet, p.rows, p.source, p.matrix = s, s.rows(a), x, matrix
	mark := a.used
	p.run(a, true)
	a.release(mark)
	p.source, p.matrix = nil, nil
	return p.rows
}

// together steps along rows.
func (p *sheetPass) together(a *arena[float32], s *sheet, rows linalg.HalfMat, step linalg.Momentum[float32], w, buffer []float32) {
	p.sheet, p.rows, p.step, p.w, p.buffer = s, rows, step, w, buffer
	mark := a.used
	p.run(a, false)
	a.release(mark)
	p.w, p.buffer = nil, nil
}

func (p *sheetPass) run(a *arena[float32], apart bool) {
	if p.apartBody == nil {
		p.apartBody, p.togetherBody = p.apartSlabs, p.togetherSlabs
	}
	body := p.togetherBody
	if apart {
		body = p.apartBody
	}
	p.room = a.take(a.pool.Threads() * p.sheet.room())
	a.pool.For(p.outs, max(slabGrain/p.slab(), 1), body)
	p.room = nil
}

// mine is a worker's room for two slabs, one with rows pitch apart.
func (p *sheetPass) mine(worker int) (spread, dense []float32) {
	room := p.room[worker*p.sheet.room():][:p.sheet.room()]
	return room[:len(room)/2], room[len(room)/2:]
}

func (p *sheetPass) apartSlabs(worker, lo, hi int) {
	spread, dense := p.mine(worker)
	for o := lo; o < hi; o++ {
		at := o * p.slab()
		p.sweeper.Transpose(spread, p.pitch, p.source[at:][:p.slab()], p.short, p.short, p.ins)
		if !p.half {
			p.combine(p.rows.F32[at:][:p.slab()], spread)
			continue
		}
		p.combine(dense, spread)
		linalg.Narrow(p.rows.BF16[at:], dense[:p.slab()])
	}
}

// combine multiplies the matrix of the short axes onto a slab.
func (p *sheetPass) combine(dst, spread []float32) {
	strip := p.sweeper.Strip(p.short)
	sweep := linalg.Sweep{ALane: p.short, AStep: 1, B: spread, Steps: p.steps, Starts: p.starts, CRow: p.ins, Cols: p.ins}
	for i := 0; i < p.short; i += strip {
		sweep.A, sweep.C, sweep.Rows = p.matrix[i*p.short:], dst[i*p.ins:], min(strip, p.short-i)
		p.sweeper.Run(&sweep)
	}
}

func (p *sheetPass) togetherSlabs(worker, lo, hi int) {
	spread, dense := p.mine(worker)
	for o := lo; o < hi; o++ {
		at, size := o*p.slab(), p.slab()
		rows := spread[:size]
		if p.half {
			linalg.Widen(rows, p.rows.BF16[at:][:size])
		} else {
			rows = p.rows.F32[at:][:size]
		}
		p.sweeper.Transpose(dense, p.short, rows, p.ins, p.ins, p.short)
		var buffer []float32
		if p.buffer != nil {
			buffer = p.buffer[at:][:size]
		}
		p.step.Step(p.w[at:][:size], dense[:size], buffer)
	}
}

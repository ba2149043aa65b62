package onnxfile

import (
	"context"
	"sync/atomic"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// block is how many elements of a row are computed at once: the arrays of an update fit the first levels of cache, and
// starting an operator does not count.
const block = 4096

// work is an update in progress.
type work struct {
	o       *optimizer
	c       registry.Context
	p       *registry.Param
	tensors map[string]*tensor.Tensor
}

// feed writes the scalars of the step and reports whether any differs from the last run's.
func (w *work) feed(p *program) (changed bool) {
	for name, t := range p.inputs {
		x, known := w.o.numbers[name]
		switch name {
		case "lr":
			x, known = w.c.LR, true
		case "weight_decay":
			x, known = w.c.WeightDecay, true
		case "base_lr":
			x, known = w.o.baseLR, true
		case "step":
			x, known = float64(w.p.Step), true
		case "loss_terms":
			x, known = float64(max(w.c.LossTerms, 1)), true
		}
		if !known {
			continue
		}
		if had, ok := p.fed[name]; !ok || had != x {
			changed, p.fed[name] = true, x
			t.SetFloat64s([]float64{x})
		}
	}
	return changed
}

// fetch copies results of a half to where they belong, elements from lo on.
func (w *work) fetch(u *unit, half int, p *program, lo int) {
	for i, s := range u.outputs[half] {
		to := w.p.Value
		if s >= 0 {
			to = w.tensors[w.o.slots[s].name]
		}
		if to != nil {
			copy(to.Data[lo*to.DType.Size():], p.Tensor(p.graph.Outputs[i]).Data)
		}
	}
}

// whole runs a graph that needs all of a parameter.
func (w *work) whole(u *unit) error {
	p, err := u.borrow(bodyHalf, w.c.Pool)
	if err != nil {
		return err
	}
	defer u.giveBack(bodyHalf, p)
	w.feed(p)
	for name, t := range w.tensors {
		if in := p.inputs[name]; in != nil {
			copy(in.Data, t.Data)
		}
	}
	if err := p.Run(context.Background()); err != nil {
		return err
	}
	w.fetch(u, bodyHalf, p, 0)
	return nil
}

// head computes what blocks have in common. A program that computed it for another parameter of the step, from scalars
// that are no state, holds it still.
func (w *work) head(u *unit) (*program, error) {
	p, err := u.borrow(headHalf, nil)
	if err != nil {
		return nil, err
	}
	changed := w.feed(p)
	for name, t := range w.tensors {
		if in := p.inputs[name]; in != nil && !w.o.perElement(name) {
			copy(in.Data, t.Data)
			changed = true
		}
	}
	if !changed && len(p.inputs) > 0 {
		return p, nil
	}
	if err := p.Run(context.Background()); err != nil {
		clear(p.fed)
		u.giveBack(headHalf, p)
		return nil, err
	}
	return p, nil
}

// blocks runs a graph over n elements, block by block, of which the last one may be shorter.
func (w *work) blocks(p *plan, n int) error {
	u := p.unit
	head, err := w.head(u)
	if err != nil {
		return err
	}
	defer u.giveBack(headHalf, head)
	lastHead := head
	if p.last != u {
		if lastHead, err = w.head(p.last); err != nil {
			return err
		}
		defer p.last.giveBack(headHalf, lastHead)
	}
	var failed atomic.Pointer[error]
	w.c.For(n, block, func(_, lo, hi int) {
		of, head := u, head
		if hi-lo < min(n, block) {
			of, head = p.last, lastHead
		}
		if err := w.block(of, head, lo, hi); err != nil {
			failed.Store(&err)
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	w.fetch(u, headHalf, head, 0)
	return nil
}

func (w *work) block(u *unit, head *program, lo, hi int) error {
	p, err := u.borrow(bodyHalf, nil)
	if err != nil {
		return err
	}
	defer u.giveBack(bodyHalf, p)
	for _, l := range u.links {
		copy(p.Tensor(l.to).Data, head.Tensor(l.from).Data)
	}
	for name, t := range w.tensors {
		if in := p.inputs[name]; in != nil && w.o.perElement(name) {
			size := t.DType.Size()
			copy(in.Data, t.Data[lo*size:hi*size])
		}
	}
	if err := p.Run(context.Background()); err != nil {
		return err
	}
	w.fetch(u, bodyHalf, p, lo)
	return nil
}

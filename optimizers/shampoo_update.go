package optimizers

import (
	"fmt"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// shampooEngine updates parameters of one precision.
type shampooEngine[T number] struct {
	plans[*shampooPlan]
	arenas[T]
	final sync.Pool
}

// shampooWork is an update in progress.
type shampooWork[T number] struct {
	*shampooConfig
	*shampooPlan
	*arena[T]
	statistics, roots, mean, graft []T
	momentum                       []*tensor.Tensor
	step                           int
}

func (e *shampooEngine[T]) update(o *shampooConfig, c registry.Context, p *registry.Param) error {
	plan, ok := e.get(p.Info.Name)
	if !ok || !plan.shape.Equal(p.Info.Shape) {
		plan = newShampooPlan(o, p.Info.Shape)
		e.put(p.Info.Name, plan)
	}
	w := shampooWork[T]{shampooConfig: o, shampooPlan: plan, arena: e.borrow(c.Pool), step: p.Step}
	defer e.giveBack(w.arena)
	w.open(p.Slots)
	g := tensor.Slice[T](p.Grad)
	final := heavyBall{lr: c.LR, decay: c.WeightDecay, momentum: o.Momentum, nesterov: o.Nesterov}
	if !o.Decoupled {
		g = w.penalised(g, tensor.Slice[T](p.Value), T(c.WeightDecay))
		final.decay = 0
	}
	w.gather(g)
	if w.step >= w.start() && w.step%w.Interval == 0 {
		if err := w.invert(); err != nil {
			return err
		}
	}
	x := w.direction(w.filter(g))
	runSweep(&e.final, c, tensor.Slice[T](p.Value), x, w.momentum, final, heavyBallPass[T])
	return nil
}

// open finds the slots in the order that shampoo.Slots declares them.
func (w *shampooWork[T]) open(slots []*tensor.Tensor) {
	w.statistics, w.roots = tensor.Slice[T](slots[0]), tensor.Slice[T](slots[1])
	slots = slots[2:]
	if w.Beta1 > 0 {
		w.mean, slots = tensor.Slice[T](slots[0]), slots[1:]
	}
	if w.adaptive() {
		w.graft, slots = tensor.Slice[T](slots[0]), slots[1:]
	}
	w.momentum = slots
}

func (w *shampooWork[T]) penalised(g, value []T, decay T) []T {
	out := w.take(len(g))
	for i, x := range g {
		out[i] = x + decay*value[i]
	}
	return out
}

// gather adds g to the statistics of the factors and of the graft.
func (w *shampooWork[T]) gather(g []T) {
	memory, rate := decaying[T](w.Beta2)
	for i := range w.blocks {
		b := &w.blocks[i]
		mark := w.used
		part := w.block(w.shampooPlan, b, g)
		for n, d := range b.dims {
			inner := w.used
			u := viewAxis(part, b.dims, n).unfold(w.arena)
			gemm(w.arena, rate, u, u.t(), memory, square(w.statistics[b.factors[n]:], d))
			w.release(inner)
		}
		w.release(mark)
	}
	memory, rate = decaying[T](w.graftMemory())
	for i := range w.graft {
		w.graft[i] = memory*w.graft[i] + rate*(g[i]*g[i])
	}
}

// invert computes the roots anew.
func (w *shampooWork[T]) invert() error {
	scale := 1.0
	if w.BiasCorrection {
		scale = 1 / w.correction(w.Beta2)
	}
	for i := range w.blocks {
		b := &w.blocks[i]
		root := w.Root
		if root == 0 {
			root = 2 * len(b.dims)
		}
		for n, d := range b.dims {
			at := b.factors[n]
			err := inverseRoot(w.arena, d, w.statistics[at:], scale, w.Damping, w.Multiplier/float64(root), w.roots[at:])
			if err != nil {
				return fmt.Errorf("factor %d of block %d (size %d) %w", n+1, i+1, d, err)
			}
		}
	}
	return nil
}

// filter adds g to the mean gradient and returns it.
func (w *shampooWork[T]) filter(g []T) []T {
	if w.mean == nil {
		return g
	}
	memory, rate := decaying[T](w.Beta1)
	scale := T(1)
	if w.BiasCorrection {
		scale = T(w.correction(w.Beta1))
	}
	out := w.take(len(g))
	for i, x := range g {
		f := memory*w.mean[i] + rate*x
		w.mean[i] = f
		out[i] = f / scale
	}
	return out
}

// direction is where the mean gradient g leads after preconditioning and grafting.
func (w *shampooWork[T]) direction(g []T) []T {
	graft := w.grafted(g)
	if w.step < w.start() {
		return graft
	}
	out := w.take(len(g))
	for i := range w.blocks {
		b := &w.blocks[i]
		mark := w.used
		x := w.block(w.shampooPlan, b, g)
		for n, d := range b.dims {
			y := w.take(b.elems)
			along(w.arena, x, y, b.dims, n, denseClass[T]{d}, w.roots[b.factors[n]:][:d*d], false)
			x = y
		}
		scale := T(1)
		if w.Graft != "none" {
			scale = T(length(w.block(w.shampooPlan, b, graft)) / (length(x) + 1e-16))
		}
		b.rows(func(outer, inner, n int) {
			for j, v := range x[inner:][:n] {
				out[outer+j] = scale * v
			}
		})
		w.release(mark)
	}
	return out
}

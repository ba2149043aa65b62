package optimizers

import (
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ifEngine updates parameters of one precision.
type ifEngine[T number] struct {
	plans[*ifPlan[T]]
	arenas[T]
	works sync.Pool
	final sync.Pool
}

// ifPlan is what follows from the shapes of a group's parameters.
type ifPlan[T number] struct {
	shapes  []tensor.Shape
	how     join
	dims    []int
	elems   int
	axes    []ifAxis[T]
	sheet   *sheet // how products go in single precision; nil: axis by axis
	buffers int    // the first momentum slot
}

type ifAxis[T number] struct {
	axisFactor
	class   class[T]
	layout  layout
	k, m, p int // slots; 0: none, but for k
}

func newIFPlan[T number](o *ifshampooConfig, ps []*registry.Param) (*ifPlan[T], error) {
	infos := make([]registry.ParamInfo, len(ps))
	plan := &ifPlan[T]{}
	for i, p := range ps {
		infos[i] = p.Info
		plan.shapes = append(plan.shapes, p.Info.Shape)
	}
	plan.how, plan.dims = o.Grouping.combined(infos, o.ConvMatrix)
	plan.elems = tensor.Shape(plan.dims).Elems()
	factors, err := o.factors(plan.dims, infos[0].Compute)
	if err != nil {
		return nil, err
	}
	if _, ok := any(T(0)).(float32); ok {
		plan.sheet = newSheet(plan.dims, factors)
	}
	slot := 0
	for _, f := range factors {
		x := ifAxis[T]{axisFactor: f, class: newClass[T](f.structure, f.d), k: slot}
		x.layout = x.class.layout()
		slot++
		if o.Alpha2 > 0 {
			x.m = slot
			slot++
		}
		if f.cached {
			x.p = slot
			slot++
		}
		plan.axes = append(plan.axes, x)
	}
	plan.buffers = slot
	return plan, nil
}

func (p *ifPlan[T]) fits(ps []*registry.Param) bool {
	if len(ps) != len(p.shapes) {
		return false
	}
	for i, q := range ps {
		if !q.Info.Shape.Equal(p.shapes[i]) {
			return false
		}
	}
	return true
}

// ifWork is an update in progress.
type ifWork[T number] struct {
	*ifPlan[T]
	*arena[T]
	slots  []*tensor.Tensor
	k      [][]T // by axis, the old factors
	gram   [][]T
	traces []float64 // averages of KᵀK's diagonals
	y      []T       // G ×ₙ Kₙᵀ, without a sheet

	sheets ifSheets
}

func (e *ifEngine[T]) update(o *ifshampooConfig, c registry.Context, ps []*registry.Param, slots []*tensor.Tensor) error {
	plan, ok := e.get(ps[0].Info.Name)
	if !ok || !plan.fits(ps) {
		var err error
		if plan, err = newIFPlan[T](o, ps); err != nil {
			return err
		}
		e.put(ps[0].Info.Name, plan)
	}
	w, _ := e.works.Get().(*ifWork[T])
	if w == nil {
		w = &ifWork[T]{}
	}
	w.ifPlan, w.arena, w.slots = plan, e.borrow(c.Pool), slots
	err := w.run(e, o, c, ps)
	e.giveBack(w.arena)
	w.ifPlan, w.arena, w.slots = nil, nil, nil
	e.works.Put(w)
	return err
}

func (w *ifWork[T]) run(e *ifEngine[T], o *ifshampooConfig, c registry.Context, ps []*registry.Param) error {
	g := tensor.Slice[T](ps[0].Grad)
	if w.how != alone {
		whole := w.take(w.elems)
		gather(w.how, g, tensor.Slice[T](ps[1].Grad), whole)
		g = whole
	}
	if o.Interval.due(ps[0].Step - 1) {
		if err := w.updateFactors(o, c, g); err != nil {
			return err
		}
	}
	step := heavyBall{lr: c.LR, decay: c.WeightDecay, momentum: o.Momentum}
	if w.sheet != nil && w.sheet.short > 1 {
		stepSheet(any(w).(*ifWork[float32]), step, ps[0])
		return nil
	}
	x := w.precondition(g)
	var direction [2][]T
	direction[0] = x
	if w.how != alone {
		direction[0], direction[1] = w.take(ps[0].Value.Elems()), w.take(ps[1].Value.Elems())
		scatter(w.how, x, direction[0], direction[1])
	}
	for i, p := range ps {
		buffer := w.slots[w.buffers:]
		if o.Momentum > 0 {
			buffer = buffer[i : i+1]
		}
		runSweep(&e.final, c, tensor.Slice[T](p.Value), direction[i], buffer, step, heavyBallPass[T])
	}
	return nil
}

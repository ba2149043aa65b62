package onnxfile

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// optimizer is a file with settings.
type optimizer struct {
	*file
	numbers map[string]float64
	fixed   map[string]*tensor.Tensor // settings that are constants of the graph
	baseLR  float64
	key     string
	plans   sync.Map // *plan by the parameter's name
	settled sync.Map // *settled by *unit
}

// plan is what updates of a parameter run.
type plan struct {
	info registry.ParamInfo
	unit *unit
	last *unit // for the last block, if it is shorter than the others

	settled *settled // of a unit with a loop
}

func (f *file) build(h registry.Hyperparameters) (registry.Optimizer, error) {
	o := &optimizer{file: f, numbers: map[string]float64{}, fixed: map[string]*tensor.Tensor{}, baseLR: h.LR}
	settings := h.Settings()
	for _, x := range f.hypers {
		constant := tensor.New(f.inputs[x.name].Type.DType, f.inputs[x.name].Type.Shape...)
		switch v := settings[x.name].(type) {
		case float64:
			o.numbers[x.name] = v
			continue
		case int:
			constant.SetInt64s([]int64{int64(v)})
		case bool:
			if v {
				constant.Data[0] = 1
			}
		case string:
			constant.SetInt64s([]int64{int64(slices.Index(x.choices, v))})
		}
		o.fixed[x.name] = constant
		o.key += fmt.Sprintf("%s=%v,", x.name, settings[x.name])
	}
	return o, nil
}

// CheckParams compiles the graph for every parameter.
func (o *optimizer) CheckParams(ps []registry.ParamInfo) error {
	for _, p := range ps {
		if _, err := o.unit(p, 0); err != nil {
			return fmt.Errorf("parameter %q: %w", p.Name, err)
		}
	}
	return nil
}

// unit is the graph for a parameter; with a size above 0, for a block of that many of its elements.
func (o *optimizer) unit(p registry.ParamInfo, size int) (*unit, error) {
	view, err := o.view(p)
	if err != nil {
		return nil, o.about(err)
	}
	row := len(view) == 1 && o.dims[0] == rowName
	whole := size == 0
	if whole && o.row() {
		// A loop that fits a block fits rows of any length.
		if u, err := o.specialised(tensor.Shape{block}, p); err == nil && u.loop != nil {
			return u, nil
		}
	}
	if whole && row {
		size = min(view[0], block)
	}
	seen := view
	if row && size > 0 {
		seen = tensor.Shape{size}
	}
	u, err := o.specialised(seen, p)
	if err != nil || !whole || u.blockwise || seen.Equal(view) {
		return u, err
	}
	return o.specialised(view, p)
}

func (o *optimizer) specialised(view tensor.Shape, p registry.ParamInfo) (*unit, error) {
	key, fixed := fmt.Sprint(o.key, view, p.DType), map[string]*tensor.Tensor{}
	for name, t := range o.fixed {
		fixed[name] = t
	}
	about := func(name string, values ...int64) {
		if v := o.inputs[name]; v != nil {
			t := tensor.Vector(values...)
			if name != "shape" && len(v.Type.Shape) == 0 {
				t = t.Reshape()
			}
			fixed[name] = t
			key += fmt.Sprint(name, values)
		}
	}
	dims := make([]int64, len(p.Shape))
	for i, d := range p.Shape {
		dims[i] = int64(d)
	}
	about("rank", int64(len(dims)))
	about("shape", dims...)
	about("role", int64(max(0, slices.Index([]registry.Role{registry.Weight, registry.Bias, registry.Norm, registry.Embedding}, p.Role))))
	return o.units.get(key, func() (*unit, error) { return o.newUnit(view, p, fixed) })
}

// Slots implements registry.Optimizer. CheckParams has told whether there is a graph for the parameter.
func (o *optimizer) Slots(p registry.ParamInfo) []registry.Slot {
	u, err := o.unit(p, 0)
	if err != nil {
		return nil
	}
	view, _ := o.view(p)
	var slots []registry.Slot
	for i, s := range o.slots {
		if !u.kept[i] {
			continue
		}
		slot := registry.Slot{Name: s.name, Shape: o.sized(s.dims, view), DType: precise(s.dt, p), Init: s.init}
		if slices.Equal(s.dims, o.dims) {
			slot.Shape = p.Shape
		}
		slots = append(slots, slot)
	}
	return slots
}

// Update implements registry.Optimizer.
func (o *optimizer) Update(c registry.Context, p *registry.Param) error {
	if p.Info.Shape.Elems() == 0 {
		return nil
	}
	plan, err := o.plan(p.Info)
	if err != nil {
		return err
	}
	if plan.unit.loop != nil {
		return o.about(plan.sweep(o, c, p))
	}
	w := &work{o: o, c: c, p: p, tensors: o.tensors(plan.unit, p)}
	if plan.unit.blockwise {
		return o.about(w.blocks(plan, p.Info.Shape.Elems()))
	}
	return o.about(w.whole(plan.unit))
}

func (o *optimizer) plan(p registry.ParamInfo) (*plan, error) {
	if known, ok := o.plans.Load(p.Name); ok {
		if k := known.(*plan); k.info.DType == p.DType && k.info.Role == p.Role && k.info.Shape.Equal(p.Shape) {
			return k, nil
		}
	}
	u, err := o.unit(p, 0)
	if err != nil {
		return nil, err
	}
	made := &plan{info: p, unit: u, last: u}
	if u.loop != nil {
		known, _ := o.settled.LoadOrStore(u, &settled{numbers: map[moment][]float32{}})
		made.settled = known.(*settled)
	} else if n := p.Shape.Elems(); u.blockwise && n > block && n%block > 0 {
		if made.last, err = o.unit(p, n%block); err != nil {
			return nil, err
		}
	}
	o.plans.Store(p.Name, made)
	return made, nil
}

// tensors are a parameter's by the names of inputs.
func (o *optimizer) tensors(u *unit, p *registry.Param) map[string]*tensor.Tensor {
	all := map[string]*tensor.Tensor{"param": p.Value, "grad": p.Grad}
	k := 0
	for i, s := range o.slots {
		if u.kept[i] {
			all[s.name] = p.Slots[k]
			k++
		}
	}
	return all
}

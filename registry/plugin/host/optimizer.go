package host

import (
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// optimizer is a program with settings: a registry.Joint.
type optimizer struct {
	*program
	settings settings
}

// build makes an optimizer and has the program judge its settings.
func (p *program) build(h registry.Hyperparameters) (registry.Optimizer, error) {
	o := &optimizer{program: p, settings: settings{key: h.String(), values: h.Settings()}}
	if !p.declares("weight_decay") {
		delete(o.settings.values, "weight_decay")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.persist(func() error {
		_, err := p.tell(&o.settings)
		return err
	})
	if err != nil {
		return nil, p.named(err)
	}
	return o, nil
}

func (p *program) declares(hyper string) bool {
	for _, h := range p.about.Hypers {
		if h.Name == hyper {
			return true
		}
	}
	return false
}

// CheckParams implements registry.Checker: it has the program declare what state it needs.
func (o *optimizer) CheckParams(ps []registry.ParamInfo) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []*param
	for _, info := range ps {
		list = append(list, o.param(info))
	}
	return o.named(o.persist(func() error {
		_, err := o.declare(&o.settings, list)
		return err
	}))
}

// named puts the plugin's name before a refusal.
func (p *program) named(err error) error {
	var no *refusal
	var failed *registry.PluginError
	if errors.As(err, &no) && !errors.As(err, &failed) {
		return fmt.Errorf("optimizer %s: %w", p.about.Name, err)
	}
	return err
}

// Slots implements registry.Optimizer. CheckParams has told whether the program takes the parameter.
func (o *optimizer) Slots(info registry.ParamInfo) []registry.Slot {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.param(info)
	if _, known := q.slots[o.settings.key]; !known {
		err := o.persist(func() error {
			_, err := o.declare(&o.settings, []*param{q})
			return err
		})
		if err != nil {
			return nil
		}
	}
	var list []registry.Slot
	for _, s := range q.slots[o.settings.key] {
		list = append(list, registry.Slot{Name: s.Name, Shape: s.Shape, DType: wire.DType(s.DType), Init: initial(s.Init)})
	}
	return list
}

// Update implements registry.Optimizer.
func (o *optimizer) Update(c registry.Context, p *registry.Param) error {
	return o.UpdateAll([]registry.Job{{Context: c, Param: p, By: o}})
}

// Alloc implements registry.Joint.
func (o *optimizer) Alloc(dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	t, err := o.mem.alloc(dt, shape)
	return t, o.fail(err)
}

// Free implements registry.Joint.
func (o *optimizer) Free(ts ...*tensor.Tensor) { o.mem.release(ts...) }

// Limit implements registry.Limited.
func (o *optimizer) Limit(l registry.Limits) { o.limit(l) }

// Recover implements registry.Joint: a program that failed is started again as often as it may be. One that refused would
// refuse again.
func (o *optimizer) Recover(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mayRestart(err) {
		return nil
	}
	return err
}

// UpdateAll implements registry.Joint.
func (o *optimizer) UpdateAll(jobs []registry.Job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.pinned)
	if err := o.ensure(); err != nil {
		return err
	}
	if err := o.updateAll(jobs); err != nil {
		return o.refused(fmt.Errorf("step %d: %w", jobs[0].Context.Step, err))
	}
	return nil
}

func (o *optimizer) updateAll(jobs []registry.Job) error {
	c := jobs[0].Context
	r := &wire.Request{Call: "update", Threads: c.Pool.Threads(), Step: c.Step, LossTerms: max(c.LossTerms, 1)}
	var staged []*stage
	for _, j := range jobs {
		u, s, err := o.prepare(j)
		if err != nil {
			return err
		}
		r.Updates = append(r.Updates, u)
		if s != nil {
			staged = append(staged, s)
		}
	}
	if size := o.mem.length(); size != o.mapped {
		if err := o.call(&wire.Request{Call: "memory", Size: size}, &wire.Answer{}); err != nil {
			return err
		}
		o.mapped = size
	}
	var a wire.Answer
	if err := o.call(r, &a); err != nil {
		return err
	}
	if a.Updated == nil || *a.Updated != len(jobs) {
		return o.reject(fmt.Errorf("it says that it made %s of %d updates", count(a.Updated), len(jobs)))
	}
	for _, s := range staged {
		s.fetch(c.Pool)
	}
	return nil
}

func count(n *int) string {
	if n == nil {
		return "an unknown number"
	}
	return fmt.Sprint(*n)
}

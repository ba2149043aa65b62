package registry

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// bigElems is from how many elements on a parameter is updated alone, with the pool's workers inside its update;
// smaller ones are updated side by side.
const bigElems = 1 << 16

// Allocator provides the memory of a slot; the Stepper initialises it.
type Allocator func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error)

// NamedSlot is a slot under the name that checkpoints use: "parameter/slot", or "parameter+parameter/slot" for a group.
type NamedSlot struct {
	Name   string
	Tensor *tensor.Tensor
}

// Stepper runs an optimizer over the parameters of a model and holds its state.
type Stepper struct {
	// Optimizer may be replaced between steps by one that declares the same slots, as schedules of settings do.
	Optimizer Optimizer
	Params    []ParamInfo

	// LRScale multiplies Context.LR by parameter, WeightDecay replaces Context.WeightDecay by parameter; nil: for none.
	LRScale, WeightDecay []float64

	// Slots and Updates are the state to save and to restore in place: a parameter's number of updates so far
	// is its entry in Updates.
	Slots   []NamedSlot
	Updates []int

	groups     []group
	big, small []int // of groups
	ctx        Context
	errs       []error
	sweep      func(worker, lo, hi int)

	kept keeper
	jobs []Job
	free func(...*tensor.Tensor) // for slots; nil: the collector's
}

// group is parameters that are updated together, mostly one.
type group struct {
	members []int
	params  []*Param
	slots   []*tensor.Tensor
	elems   int
}

// NewStepper allocates and initialises the optimizer's state for params; alloc nil means fresh memory, of the optimizer if it
// is a Joint one.
func NewStepper(opt Optimizer, params []ParamInfo, alloc Allocator) (*Stepper, error) {
	var free func(...*tensor.Tensor)
	if joint, ok := opt.(Joint); ok && alloc == nil {
		alloc = func(_ string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
			return joint.Alloc(dt, shape)
		}
		free = joint.Free
	}
	if alloc == nil {
		alloc = func(_ string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
			return tensor.New(dt, shape...), nil
		}
	}
	for _, p := range params {
		if p.DType != tensor.Float32 && p.DType != tensor.Float64 {
			return nil, fmt.Errorf("parameter %q is %v; optimizers update float32 and float64", p.Name, p.DType)
		}
	}
	if c, ok := opt.(Checker); ok {
		if err := c.CheckParams(params); err != nil {
			return nil, err
		}
	}
	s := &Stepper{Optimizer: opt, Params: params, Updates: make([]int, len(params)), free: free}
	partition, err := partition(opt, params)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, members := range partition {
		if err := s.addGroup(members, alloc, taken); err != nil {
			s.Close()
			return nil, err
		}
	}
	s.errs = make([]error, len(s.groups))
	s.sweep = func(_, lo, hi int) {
		for _, g := range s.small[lo:hi] {
			s.errs[g] = s.update(&s.groups[g])
		}
	}
	return s, nil
}

// partition asks a Grouper for groups and checks that every parameter is in one.
func partition(opt Optimizer, params []ParamInfo) ([][]int, error) {
	grouper, ok := opt.(Grouper)
	if !ok {
		all := make([][]int, len(params))
		for i := range all {
			all[i] = []int{i}
		}
		return all, nil
	}
	groups := grouper.Group(params)
	count := make([]int, len(params))
	for _, members := range groups {
		for _, i := range members {
			if i < 0 || i >= len(params) {
				return nil, fmt.Errorf("optimizer groups parameter %d of %d", i, len(params))
			}
			count[i]++
		}
	}
	for i, n := range count {
		if n != 1 {
			return nil, fmt.Errorf("parameter %q is in %d of the optimizer's groups instead of one", params[i].Name, n)
		}
	}
	return groups, nil
}

func (s *Stepper) addGroup(members []int, alloc Allocator, taken map[string]bool) error {
	if len(members) == 0 {
		return nil
	}
	g := group{members: members}
	var infos []ParamInfo
	var labels []string
	for _, i := range members {
		infos = append(infos, s.Params[i])
		labels = append(labels, s.Params[i].Name)
		g.params = append(g.params, &Param{Info: s.Params[i]})
		g.elems += s.Params[i].Shape.Elems()
	}
	for _, slot := range slotsOf(s.Optimizer, infos) {
		name := strings.Join(labels, "+") + "/" + slot.Name
		if taken[name] {
			return fmt.Errorf("two optimizer slots are called %q", name)
		}
		taken[name] = true
		t, err := alloc(name, slot.DType, slot.Shape)
		if err != nil {
			return fmt.Errorf("optimizer slot %q: %w", name, err)
		}
		clear(t.Data)
		if slot.Init != nil {
			slot.Init(t)
		}
		g.slots = append(g.slots, t)
		s.Slots = append(s.Slots, NamedSlot{name, t})
	}
	if len(members) == 1 {
		g.params[0].Slots = g.slots
	}
	if g.elems >= bigElems {
		s.big = append(s.big, len(s.groups))
	} else {
		s.small = append(s.small, len(s.groups))
	}
	s.groups = append(s.groups, g)
	return nil
}

// Step updates values in place by grads, both in the order of Params. A nil gradient leaves its parameter, and the
// group that the parameter is in, as they are. Context.LR and Context.WeightDecay are those of the step; see LRScale
// and WeightDecay. An error names the parameter; others may have been updated, but not by a Joint optimizer.
func (s *Stepper) Step(c Context, values, grads []*tensor.Tensor) error {
	if len(values) != len(s.Params) || len(grads) != len(s.Params) {
		return fmt.Errorf("%d values and %d gradients for %d parameters", len(values), len(grads), len(s.Params))
	}
	for i := range s.Params {
		p := &s.Params[i]
		for _, t := range [...]*tensor.Tensor{values[i], grads[i]} {
			if t != nil && (t.DType != p.DType || !t.Shape.Equal(p.Shape)) {
				return fmt.Errorf("parameter %q is %v%v, its value or gradient %v", p.Name, p.DType, p.Shape, t)
			}
		}
		if values[i] == nil {
			return fmt.Errorf("parameter %q has no value", p.Name)
		}
	}
	for g := range s.groups {
		s.errs[g] = nil
		for k, i := range s.groups[g].members {
			p := s.groups[g].params[k]
			p.Value, p.Grad, p.Step = values[i], grads[i], s.Updates[i]+1
		}
	}
	s.ctx = c
	if joint, ok := s.Optimizer.(Joint); ok {
		return s.stepJointly(c, joint, values)
	}
	for _, g := range s.big {
		if s.errs[g] = s.update(&s.groups[g]); s.errs[g] != nil {
			return s.errs[g]
		}
	}
	c.Pool.For(len(s.small), 1, s.sweep)
	for _, err := range s.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// HasEvalWeights reports whether the optimizer evaluates other weights than it trains.
func (s *Stepper) HasEvalWeights() bool {
	_, ok := s.Optimizer.(EvalView)
	return ok
}

// EvalWeights writes into dst the weights to evaluate of an optimizer that has its own, in the order of Params. values
// are those in training.
func (s *Stepper) EvalWeights(dst, values []*tensor.Tensor) error {
	view, ok := s.Optimizer.(EvalView)
	if !ok {
		return fmt.Errorf("the optimizer evaluates the weights that it trains")
	}
	for i := range s.groups {
		g := &s.groups[i]
		for k, at := range g.members {
			p := g.params[k]
			p.Value, p.Grad, p.Step = values[at], nil, s.Updates[at]
			if err := view.EvalWeights(dst[at], p); err != nil {
				return fmt.Errorf("parameter %q: %w", s.Params[at].Name, err)
			}
		}
	}
	return nil
}

func (s *Stepper) update(g *group) error {
	for _, p := range g.params {
		if p.Grad == nil {
			return nil
		}
	}
	first := g.members[0]
	for _, i := range g.members[1:] {
		if s.LRScale != nil && s.LRScale[i] != s.LRScale[first] || s.WeightDecay != nil && s.WeightDecay[i] != s.WeightDecay[first] {
			return fmt.Errorf("parameters %q and %q are preconditioned together but differ in learning rate or weight decay",
				s.Params[first].Name, s.Params[i].Name)
		}
	}
	c := s.contextOf(first)
	var err error
	if len(g.params) == 1 {
		err = s.Optimizer.Update(c, g.params[0])
	} else {
		err = s.Optimizer.(Grouper).UpdateGroup(c, g.params, g.slots)
	}
	if err != nil {
		return fmt.Errorf("parameter %q: %w", s.Params[first].Name, err)
	}
	for _, i := range g.members {
		s.Updates[i]++
	}
	return nil
}

// contextOf is the step as the update of a parameter sees it.
func (s *Stepper) contextOf(i int) Context {
	c := s.ctx
	if s.LRScale != nil {
		c.LR *= s.LRScale[i]
	}
	if s.WeightDecay != nil {
		c.WeightDecay = s.WeightDecay[i]
	}
	return c
}

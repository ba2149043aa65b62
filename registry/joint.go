package registry

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Job is an update of a step.
type Job struct {
	Context Context // with the rates of this parameter
	Param   *Param
	By      Optimizer // of the parameter's group
}

// Joint is an optimizer that makes the updates of a step together and may fail in the midst of them, as one that is another
// program may. The Stepper keeps values and slots from before the step and puts them back.
type Joint interface {
	Optimizer
	// UpdateAll makes updates of different parameters. After an error values and slots may hold anything.
	UpdateAll(jobs []Job) error
	// Recover is told the error of UpdateAll, or what is wrong with its results, once everything is put back. nil: UpdateAll is
	// to be called again.
	Recover(err error) error
	// Alloc returns zeros in memory that UpdateAll can work in. Tensors elsewhere do as well and cost a copy.
	Alloc(dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error)
	// Free takes tensors of Alloc back, which nobody may touch from then on.
	Free(ts ...*tensor.Tensor)
}

// PluginError is the failure of a program that is somebody else's.
type PluginError struct {
	Plugin string // as a user knows it: name and path
	Err    error
}

func (e *PluginError) Error() string { return fmt.Sprintf("plugin %s: %v", e.Plugin, e.Err) }
func (e *PluginError) Unwrap() error { return e.Err }

// Limits bound what a plugin may take.
type Limits struct {
	Seconds  float64 // for an answer; 0 is the default
	Memory   int64   // bytes, of its own; 0 is the default
	Restarts int     // times that it may be started again after a failure
}

// Limited is an optimizer that Limits apply to.
type Limited interface {
	Optimizer
	Limit(Limits)
}

const keepGrain = 1 << 16 // bytes

// keeper holds tensors as they were.
type keeper struct {
	of      []*tensor.Tensor
	copies  []*tensor.Tensor
	updates []int
	fresh   bool // since the last step
}

// Undoable reports whether a step can be undone: it can for a Joint optimizer.
func (s *Stepper) Undoable() bool {
	_, ok := s.Optimizer.(Joint)
	return ok
}

// Keep copies values and slots of an Undoable Stepper, so that a step can be undone. Step does so itself unless Keep was called
// after the step before; calling it keeps the copy out of the time of the update.
func (s *Stepper) Keep(pool *par.Pool, values []*tensor.Tensor) {
	if !s.Undoable() {
		return
	}
	k := &s.kept
	k.of = append(k.of[:0], values...)
	for _, slot := range s.Slots {
		k.of = append(k.of, slot.Tensor)
	}
	if len(k.copies) != len(k.of) {
		k.copies = k.copies[:0]
		for _, t := range k.of {
			k.copies = append(k.copies, tensor.New(t.DType, t.Shape...))
		}
	}
	k.updates = append(k.updates[:0], s.Updates...)
	copyAll(pool, k.copies, k.of)
	k.fresh = true
}

// Undo puts back what the last step of an Undoable Stepper changed.
func (s *Stepper) Undo(pool *par.Pool) {
	copyAll(pool, s.kept.of, s.kept.copies)
	copy(s.Updates, s.kept.updates)
}

func copyAll(pool *par.Pool, dst, src []*tensor.Tensor) {
	for i, t := range src {
		to := dst[i].Data
		pool.For(len(to), keepGrain, func(_, lo, hi int) { copy(to[lo:hi], t.Data[lo:hi]) })
	}
}

// stepJointly makes all updates or none.
func (s *Stepper) stepJointly(c Context, joint Joint, values []*tensor.Tensor) error {
	if !s.kept.fresh {
		s.Keep(c.Pool, values)
	}
	s.kept.fresh = false
	s.jobs = s.jobs[:0]
	var updated []int
	for i := range s.groups {
		g := &s.groups[i]
		if g.params[0].Grad == nil {
			continue
		}
		s.jobs = append(s.jobs, Job{Context: s.contextOf(g.members[0]), Param: g.params[0], By: joint})
		updated = append(updated, g.members[0])
	}
	if len(s.jobs) == 0 {
		return nil
	}
	for {
		err := joint.UpdateAll(s.jobs)
		if err == nil {
			break
		}
		s.Undo(c.Pool)
		if err = joint.Recover(err); err != nil {
			return err
		}
	}
	for _, i := range updated {
		s.Updates[i]++
	}
	return nil
}

// Close gives slots in memory of a Joint optimizer back. The Stepper must not be used from then on.
func (s *Stepper) Close() {
	if s.free != nil {
		for _, g := range s.groups {
			s.free(g.slots...)
		}
	}
	s.Slots, s.groups, s.free = nil, nil, nil
}

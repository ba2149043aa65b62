package plugin

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// bigElems is from how many elements on a parameter is updated alone, with all threads inside its update; smaller ones are
// updated side by side.
const bigElems = 1 << 16

// job is an update with its tensors found.
type job struct {
	opt   registry.Optimizer
	ctx   registry.Context
	param registry.Param
}

func (j *job) run() error {
	if err := j.opt.Update(j.ctx, &j.param); err != nil {
		return fmt.Errorf("parameter %q: %w", j.param.Info.Name, err)
	}
	return nil
}

// update makes a step.
func (s *server) update(r *wire.Request) (a wire.Answer, err error) {
	if s.pool == nil || s.pool.Threads() != max(r.Threads, 1) {
		s.pool.Close()
		s.pool = par.New(max(r.Threads, 1))
	}
	var small []*job
	for i := range r.Updates {
		j, err := s.job(r, &r.Updates[i])
		if err != nil {
			return a, err
		}
		if j.param.Info.Shape.Elems() < bigElems {
			small = append(small, j)
		} else if err := j.run(); err != nil {
			return a, err
		}
	}
	errs := make([]error, len(small))
	s.pool.For(len(small), 1, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			errs[i] = small[i].run()
		}
	})
	for _, err := range errs {
		if err != nil {
			return a, err
		}
	}
	n := len(r.Updates)
	return wire.Answer{Updated: &n}, nil
}

func (s *server) job(r *wire.Request, u *wire.Update) (*job, error) {
	info, known := s.params[u.Param]
	slots, declared := s.slots[[2]int{u.Settings, u.Param}]
	opt := s.settings[u.Settings]
	if !known || !declared || opt == nil || len(slots) != len(u.Slots) {
		return nil, fmt.Errorf("parameter %d with settings %d is not known, or not with %d slots", u.Param, u.Settings, len(u.Slots))
	}
	j := &job{opt: opt, ctx: registry.Context{Step: r.Step, LR: u.LR, WeightDecay: u.WeightDecay, LossTerms: r.LossTerms, Pool: s.pool},
		param: registry.Param{Info: info, Step: u.Step}}
	var err error
	if j.param.Value, err = s.tensor(u.Value, info.DType, info.Shape); err != nil {
		return nil, err
	}
	if j.param.Grad, err = s.tensor(u.Grad, info.DType, info.Shape); err != nil {
		return nil, err
	}
	for i, slot := range slots {
		t, err := s.tensor(u.Slots[i], slot.DType, slot.Shape)
		if err != nil {
			return nil, err
		}
		j.param.Slots = append(j.param.Slots, t)
	}
	return j, nil
}

// tensor is the view of the memory at an offset.
func (s *server) tensor(offset int64, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	size, all := int64(shape.Elems()*dt.Size()), s.mem.data
	if offset < 0 || offset > int64(len(all))-size {
		return nil, fmt.Errorf("%d bytes at %d lie outside of the memory of %d", size, offset, len(all))
	}
	return tensor.FromBytes(dt, shape, all[offset:offset+size:offset+size])
}

package host

import (
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// prepare says where the tensors of an update lie. Those that lie elsewhere are copied to a stage.
func (o *optimizer) prepare(j registry.Job) (u wire.Update, s *stage, err error) {
	by := j.By.(*optimizer)
	q := o.param(j.Param.Info)
	id, err := o.declare(&by.settings, []*param{q})
	if err != nil {
		return u, nil, err
	}
	u = wire.Update{Param: q.ID, Settings: id, Step: j.Param.Step, LR: j.Context.LR, WeightDecay: j.Context.WeightDecay, Slots: []int64{}}
	tensors := append([]*tensor.Tensor{j.Param.Value, j.Param.Grad}, j.Param.Slots...)
	offsets := make([]int64, len(tensors))
	for i, t := range tensors {
		if offsets[i] = o.mem.offset(t); offsets[i] >= 0 {
			continue
		}
		if s == nil {
			if s, err = o.stage(q.ID, tensors); err != nil {
				return u, nil, err
			}
		}
		offsets[i] = o.mem.offset(s.inside[i])
	}
	if s != nil {
		s.send(j.Context.Pool)
	}
	u.Value, u.Grad, u.Slots = offsets[0], offsets[1], append(u.Slots, offsets[2:]...)
	return u, s, nil
}

// stage is where tensors of a parameter that lie elsewhere are copied to for an update.
type stage struct {
	outside []*tensor.Tensor // value, gradient and slots
	inside  []*tensor.Tensor // nil where none was needed yet
	used    []bool           // in this update
}

func (o *optimizer) stage(id int, tensors []*tensor.Tensor) (*stage, error) {
	s := o.stages[id]
	if s == nil {
		s = &stage{}
		o.stages[id] = s
	}
	s.outside = tensors
	for len(s.inside) < len(tensors) {
		s.inside, s.used = append(s.inside, nil), append(s.used, false)
	}
	for i, t := range tensors {
		s.used[i] = o.mem.offset(t) < 0
		if !s.used[i] || s.inside[i] != nil && len(s.inside[i].Data) == len(t.Data) {
			continue
		}
		if s.inside[i] != nil {
			o.mem.release(s.inside[i])
		}
		var err error
		if s.inside[i], err = o.mem.alloc(t.DType, t.Shape); err != nil {
			return nil, o.fail(err)
		}
	}
	return s, nil
}

const stageGrain = 1 << 18 // bytes

func (s *stage) send(pool *par.Pool) { s.copy(pool, s.inside, s.outside, -1) }

// fetch takes results back, but for the gradient, which is none.
func (s *stage) fetch(pool *par.Pool) { s.copy(pool, s.outside, s.inside, 1) }

func (s *stage) copy(pool *par.Pool, dst, src []*tensor.Tensor, but int) {
	for i := range s.outside {
		if i == but || !s.used[i] {
			continue
		}
		to, from := dst[i].Data, src[i].Data
		pool.For(len(to), stageGrain, func(_, lo, hi int) { copy(to[lo:hi], from[lo:hi]) })
	}
}

package conform

import (
	"bytes"
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// steps are enough for preconditioners that are computed every ten.
const steps = 12

var dtypes = []tensor.DType{tensor.Float32, tensor.Float64}

// keepsTypes checks both precisions, and that an update touches neither gradients nor the form of its slots.
func keepsTypes(e *registry.Entry) error {
	for _, dt := range dtypes {
		m, err := start(e, nil, dt, layers)
		if err != nil {
			return err
		}
		var before []registry.NamedSlot
		for _, s := range m.Slots {
			before = append(before, registry.NamedSlot{Name: s.Name, Tensor: tensor.New(s.Tensor.DType, s.Tensor.Shape...)})
		}
		if err := m.train(1); err != nil {
			return err
		}
		for i, p := range m.Params {
			if !bytes.Equal(m.grads[i].Data, random(dt, p.Shape, 0.1, uint64(i), 1).Data) {
				return fmt.Errorf("the gradient of %q is overwritten", p.Name)
			}
			if v := m.values[i]; v.DType != dt || !v.Shape.Equal(p.Shape) {
				return fmt.Errorf("parameter %q becomes %v", p.Name, v)
			}
		}
		for i, s := range m.Slots {
			if want := before[i].Tensor; s.Tensor.DType != want.DType || !s.Tensor.Shape.Equal(want.Shape) || len(s.Tensor.Data) != len(want.Data) {
				return fmt.Errorf("slot %q becomes %v, declared %v", s.Name, s.Tensor, want)
			}
		}
		if err := m.finite(); err != nil {
			return err
		}
	}
	return nil
}

// obeys checks that the learning rate of Context counts: at 0 weights stand still while state moves on.
func obeys(e *registry.Entry) error {
	m, err := start(e, registry.Settings{"lr": 0.5}, tensor.Float32, layers)
	if err != nil {
		return err
	}
	before, err := start(e, nil, tensor.Float32, layers)
	if err != nil {
		return err
	}
	m.lr = 0
	if err := m.train(2); err != nil {
		return err
	}
	for i, v := range m.values {
		if !bytes.Equal(v.Data, before.values[i].Data) {
			return fmt.Errorf("parameter %q moves though the learning rate of the step is 0", m.Params[i].Name)
		}
	}
	return nil
}

// skips checks that without gradient neither weights nor state nor the count of updates change.
func skips(e *registry.Entry) error {
	m, err := start(e, nil, tensor.Float32, layers)
	if err != nil {
		return err
	}
	if err := m.train(1); err != nil {
		return err
	}
	before, err := m.clone(e, nil, tensor.Float32)
	if err != nil {
		return err
	}
	if err := m.step(make([]*tensor.Tensor, len(layers))); err != nil {
		return err
	}
	for i, n := range m.Updates {
		if n != before.Updates[i] {
			return fmt.Errorf("parameter %q counts %d updates of %d", m.Params[i].Name, n, before.Updates[i])
		}
	}
	return m.differs(before)
}

// survivesZeros checks zero gradients at the start, as unused rows and dead units have, and once state is there.
func survivesZeros(e *registry.Entry) error {
	for _, dt := range dtypes {
		m, err := start(e, nil, dt, layers)
		if err != nil {
			return err
		}
		zeros := make([]*tensor.Tensor, len(layers))
		for i, p := range m.Params {
			zeros[i] = tensor.New(dt, p.Shape...)
		}
		for _, phase := range []func() error{func() error { return m.step(zeros) }, func() error { return m.train(1) }} {
			for range steps {
				if err := phase(); err != nil {
					return err
				}
				if err := m.finite(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// resumes checks that slots, values and counts of updates are all that a run is made of.
func resumes(e *registry.Entry) error {
	for _, dt := range dtypes {
		for _, stop := range []int{1, 5} {
			whole, err := start(e, nil, dt, layers)
			if err != nil {
				return err
			}
			if err := whole.train(stop); err != nil {
				return err
			}
			resumed, err := whole.clone(e, nil, dt)
			if err != nil {
				return err
			}
			for _, m := range []*model{whole, resumed} {
				if err := m.train(steps - stop); err != nil {
					return err
				}
			}
			if err := resumed.differs(whole); err != nil {
				return fmt.Errorf("%v, resumed after step %d: %w", dt, stop, err)
			}
		}
	}
	return nil
}

// deterministic checks the same bits for any number of workers, with a parameter that several share.
func deterministic(e *registry.Entry) error {
	large := registry.ParamInfo{Name: "large.weight", Shape: tensor.Shape{17, 62, 63}, Role: registry.Weight}
	infos := append([]registry.ParamInfo{large}, layers...)
	var first *model
	for threads := 1; threads <= 3; threads++ {
		m, err := start(e, nil, tensor.Float32, infos)
		if err != nil {
			return err
		}
		m.pool = par.New(threads)
		err = m.train(steps)
		m.pool.Close()
		if err != nil {
			return err
		}
		if first == nil {
			first = m
		} else if err := m.differs(first); err != nil {
			return fmt.Errorf("%d threads: %w", threads, err)
		}
	}
	return nil
}

// evaluates checks the evaluation weights of an optimizer that has its own: before the first update they are the
// weights, later finite, and asking for them changes nothing.
func evaluates(e *registry.Entry) error {
	for _, dt := range dtypes {
		m, err := start(e, nil, dt, layers)
		if err != nil {
			return err
		}
		if !m.HasEvalWeights() {
			return nil
		}
		var weights []*tensor.Tensor
		for _, v := range m.values {
			weights = append(weights, tensor.New(v.DType, v.Shape...))
		}
		for step := range steps {
			before, err := m.clone(e, nil, dt)
			if err != nil {
				return err
			}
			if err := m.EvalWeights(weights, m.values); err != nil {
				return err
			}
			if err := m.differs(before); err != nil {
				return fmt.Errorf("evaluation weights after step %d: %w", step, err)
			}
			for i, w := range weights {
				if !finite(w) || step == 0 && !bytes.Equal(w.Data, m.values[i].Data) {
					return fmt.Errorf("evaluation weights of %q after step %d are not finite, or not the initial ones", m.Params[i].Name, step)
				}
			}
			if err := m.train(1); err != nil {
				return err
			}
		}
	}
	return nil
}

// costs checks that what an optimizer says of its cost grows with its parameters.
func costs(e *registry.Entry) error {
	opt, _, err := e.New(nil)
	if err != nil {
		return err
	}
	coster, ok := opt.(registry.Coster)
	if !ok {
		return nil
	}
	for _, p := range layers {
		p.DType = tensor.Float32
		small := coster.Cost([]registry.ParamInfo{p})
		p.Shape = append(tensor.Shape{3}, p.Shape...)
		large := coster.Cost([]registry.ParamInfo{p})
		if !(small.FLOPs > 0 && small.Scratch >= 0 && large.FLOPs > small.FLOPs && !math.IsInf(large.FLOPs, 0)) {
			return fmt.Errorf("parameter %q costs %v, three of them %v", p.Name, small, large)
		}
	}
	return nil
}

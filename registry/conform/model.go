package conform

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// layers are parameters of every kind that models have.
var layers = []registry.ParamInfo{
	{Name: "fc.weight", Shape: tensor.Shape{8, 6}, Role: registry.Weight},
	{Name: "fc.bias", Shape: tensor.Shape{8}, Role: registry.Bias},
	{Name: "conv.weight", Shape: tensor.Shape{6, 4, 3, 3}, Role: registry.Weight},
	{Name: "depthwise.weight", Shape: tensor.Shape{6, 1, 3, 3}, Role: registry.Weight},
	{Name: "norm.weight", Shape: tensor.Shape{5}, Role: registry.Norm},
	{Name: "token.weight", Shape: tensor.Shape{20, 4}, Role: registry.Embedding},
	{Name: "gain", Shape: tensor.Shape{}, Role: registry.Norm},
}

// model is parameters in training.
type model struct {
	*registry.Stepper
	values, grads []*tensor.Tensor
	lr, decay     float64
	pool          *par.Pool
	done          int // steps
}

func start(e *registry.Entry, s registry.Settings, dt tensor.DType, infos []registry.ParamInfo) (*model, error) {
	opt, h, err := e.New(s)
	if err != nil {
		return nil, err
	}
	m := &model{lr: h.LR, decay: h.WeightDecay}
	all := make([]registry.ParamInfo, len(infos))
	for i, p := range infos {
		p.DType = dt
		all[i] = p
		m.values = append(m.values, random(dt, p.Shape, 0.5, uint64(i), 0))
		m.grads = append(m.grads, tensor.New(dt, p.Shape...))
	}
	m.Stepper, err = registry.NewStepper(opt, all, nil)
	return m, err
}

// random draws a tensor that depends on its arguments alone.
func random(dt tensor.DType, shape tensor.Shape, scale float64, seed, stream uint64) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed+1, stream+1))
	v := make([]float64, shape.Elems())
	for i := range v {
		v[i] = float64(float32(scale * r.NormFloat64()))
	}
	t := tensor.New(dt, shape...)
	t.SetFloat64s(v)
	return t
}

// train makes n steps with gradients that depend on the number of the step.
func (m *model) train(n int) error {
	for range n {
		for i, p := range m.Params {
			m.grads[i] = random(p.DType, p.Shape, 0.1, uint64(i), uint64(m.done)+1)
		}
		if err := m.step(m.grads); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) step(grads []*tensor.Tensor) error {
	m.done++
	c := registry.Context{Step: m.done, LR: m.lr, WeightDecay: m.decay, LossTerms: 32, Pool: m.pool}
	if err := m.Step(c, m.values, grads); err != nil {
		return fmt.Errorf("step %d: %w", m.done, err)
	}
	return nil
}

// finite says which value or slot is not.
func (m *model) finite() error {
	for i, v := range m.values {
		if !finite(v) {
			return fmt.Errorf("parameter %q %v is not finite after step %d", m.Params[i].Name, m.Params[i].Shape, m.done)
		}
	}
	for _, s := range m.Slots {
		if !finite(s.Tensor) {
			return fmt.Errorf("slot %q is not finite after step %d", s.Name, m.done)
		}
	}
	return nil
}

func finite(t *tensor.Tensor) bool {
	for _, x := range t.Float64s() {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// differs says where two models are not the same bit by bit.
func (m *model) differs(other *model) error {
	for i, v := range m.values {
		if !bytes.Equal(v.Data, other.values[i].Data) {
			return fmt.Errorf("parameter %q differs", m.Params[i].Name)
		}
	}
	if len(m.Slots) != len(other.Slots) {
		return fmt.Errorf("%d slots, then %d", len(m.Slots), len(other.Slots))
	}
	for i, s := range m.Slots {
		if s.Name != other.Slots[i].Name {
			return fmt.Errorf("slot %q is called %q the next time", s.Name, other.Slots[i].Name)
		}
		if !bytes.Equal(s.Tensor.Data, other.Slots[i].Tensor.Data) {
			return fmt.Errorf("slot %q differs", s.Name)
		}
	}
	return nil
}

// clone copies values and state into a model with an optimizer of its own, as a resumed run has.
func (m *model) clone(e *registry.Entry, s registry.Settings, dt tensor.DType) (*model, error) {
	c, err := start(e, s, dt, m.Params)
	if err != nil {
		return nil, err
	}
	for i, v := range m.values {
		copy(c.values[i].Data, v.Data)
	}
	for i, s := range m.Slots {
		copy(c.Slots[i].Tensor.Data, s.Tensor.Data)
	}
	copy(c.Updates, m.Updates)
	c.done, c.pool = m.done, m.pool
	return c, nil
}

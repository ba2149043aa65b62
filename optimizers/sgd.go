package optimizers

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registry.Register(registry.Info{
		Name:  "sgd",
		Doc:   "stochastic gradient descent with momentum",
		Paper: "torch.optim.SGD",
		Formula: `
g   ← g + weight_decay·w
buf ← g                                      at the first update
buf ← momentum·buf + (1-dampening)·g         later
w   ← w - lr·buf                             or lr·(g + momentum·buf) with nesterov`,
	}, sgdConfig{LR: 0.1}, func(c sgdConfig) registry.Optimizer { return &sgd{sgdConfig: c} })
}

type sgdConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 5e-4 5e-1" doc:"step size"`
	Momentum    float64 `name:"momentum" symbol:"μ" range:"[0,1)" search:"linear 0.1 0.99" doc:"share of the previous direction that stays"`
	Dampening   float64 `name:"dampening" range:"[0,1]" doc:"share of the gradient that the buffer leaves out"`
	Nesterov    bool    `name:"nesterov" doc:"step from where momentum leads"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-6 5e-2" doc:"L2 penalty, added to the gradient"`
}

func (c sgdConfig) Check() error {
	if c.Nesterov && (c.Momentum == 0 || c.Dampening != 0) {
		return fmt.Errorf("nesterov needs momentum above 0 and dampening 0")
	}
	return nil
}

type sgd struct {
	sgdConfig
	sweeps[sgdStep]
}

type sgdStep struct {
	lr, decay, momentum, keep float64
	nesterov, first           bool
}

func (o *sgd) Slots(p registry.ParamInfo) []registry.Slot {
	if o.Momentum == 0 {
		return nil
	}
	return []registry.Slot{like(p, "momentum")}
}

func (o *sgd) Cost(ps []registry.ParamInfo) registry.Cost {
	if o.Momentum == 0 {
		return elementwise(ps, 4)
	}
	return elementwise(ps, 6)
}

func (o *sgd) Update(c registry.Context, p *registry.Param) error {
	step := sgdStep{lr: c.LR, decay: c.WeightDecay, momentum: o.Momentum, keep: 1 - o.Dampening, nesterov: o.Nesterov, first: p.Step == 1}
	return o.run(c, p, step, sgdPass[float32], sgdPass[float64])
}

func sgdPass[T number](s *sgdStep, c chunk[T, T]) {
	p := linalg.Momentum[T]{LR: T(s.lr), Decay: T(s.decay), Momentum: T(s.momentum), Keep: T(s.keep), Back: 1}
	if s.nesterov {
		p.Ahead, p.Back = 1, p.Momentum
	}
	if s.first {
		p.Momentum, p.Keep = 0, 1
	}
	p.Step(c.w, c.g, c.s[0])
}

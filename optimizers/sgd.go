package optimizers

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
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

func (o *sgd) Update(c registry.Context, p *registry.Param) error {
	step := sgdStep{lr: c.LR, decay: c.WeightDecay, momentum: o.Momentum, keep: 1 - o.Dampening, nesterov: o.Nesterov, first: p.Step == 1}
	return o.run(c, p, step, sgdPass[float32], sgdPass[float64])
}

func sgdPass[T number](s *sgdStep, c chunk[T, T]) {
	lr, decay, momentum, keep := T(s.lr), T(s.decay), T(s.momentum), T(s.keep)
	w := c.w[:len(c.g)]
	if c.s[0] == nil {
		for i, g := range c.g {
			w[i] -= lr * (g + decay*w[i])
		}
		return
	}
	buf := c.s[0][:len(c.g)]
	for i, g := range c.g {
		g += decay * w[i]
		b := g
		if !s.first {
			b = momentum*buf[i] + keep*g
		}
		buf[i] = b
		if s.nesterov {
			b = g + momentum*b
		}
		w[i] -= lr * b
	}
}

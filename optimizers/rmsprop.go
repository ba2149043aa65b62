package optimizers

import (
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registry.Register(registry.Info{
		Name:  "rmsprop",
		Doc:   "gradient divided by the root of its running mean square",
		Paper: "torch.optim.RMSprop; Tieleman and Hinton, Lecture 6.5 (2012)",
		Formula: `
g    ← g + weight_decay·w
v    ← beta2·v + (1-beta2)·g²
mean ← beta2·mean + (1-beta2)·g              centered only
u    ← g / (√v + eps)                        centered: √(v - mean²)
buf  ← momentum·buf + u
w    ← w - lr·buf`,
	}, rmspropConfig{LR: 1e-2, Beta2: 0.99, Eps: 1e-8}, func(c rmspropConfig) registry.Optimizer { return &rmsprop{rmspropConfig: c} })
}

type rmspropConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 1e-5 1e-1" doc:"step size; the official default is for long runs with small gradients: v starts at 0 and the first steps are up to 10 times lr an element. Else use 1e-3"`
	Beta2       float64 `name:"beta2" symbol:"α" range:"[0,1)" alias:"alpha" search:"linear 0.9 0.999" doc:"memory of the mean square"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-12 1e-6" doc:"added to the root"`
	Momentum    float64 `name:"momentum" symbol:"μ" range:"[0,1)" search:"linear 0.1 0.99" doc:"share of the previous direction that stays"`
	Centered    bool    `name:"centered" doc:"divide by the standard deviation instead"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-6 1e-1" doc:"L2 penalty, added to the gradient"`
}

type rmsprop struct {
	rmspropConfig
	sweeps[rmspropStep]
}

type rmspropStep struct {
	lr, decay, beta2, eps, momentum float64
	mean, buf                       int // slots, 0: absent
}

func (o *rmsprop) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "square")}
	if o.Centered {
		slots = append(slots, like(p, "mean"))
	}
	if o.Momentum > 0 {
		slots = append(slots, like(p, "momentum"))
	}
	return slots
}

func (o *rmsprop) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 9) }

func (o *rmsprop) Update(c registry.Context, p *registry.Param) error {
	step := rmspropStep{lr: c.LR, decay: c.WeightDecay, beta2: o.Beta2, eps: o.Eps, momentum: o.Momentum}
	if o.Centered {
		step.mean = 1
	}
	if o.Momentum > 0 {
		step.buf = step.mean + 1
	}
	return o.run(c, p, step, rmspropPass[float32], rmspropPass[float64])
}

func rmspropPass[T number](s *rmspropStep, c chunk[T, T]) {
	p := linalg.RMSProp[T]{
		LR: T(s.lr), Decay: T(s.decay), Beta2: T(s.beta2), Rate: T(1 - s.beta2), Eps: T(s.eps), Momentum: T(s.momentum),
	}
	var mean, buf []T
	if s.mean > 0 {
		mean = c.s[s.mean]
	}
	if s.buf > 0 {
		buf = c.s[s.buf]
	}
	p.Step(c.w, c.g, c.s[0], mean, buf)
}

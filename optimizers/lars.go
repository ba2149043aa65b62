package optimizers

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registry.Register(registry.Info{
		Name:  "lars",
		Doc:   "SGD whose steps are in proportion to the norm of each weight, for large batches",
		Paper: "https://arxiv.org/abs/1708.03888; momentum and clip as in NVIDIA's LARC",
		Formula: `
ratio = trust·‖w‖ / (‖g‖ + weight_decay·‖w‖ + eps)      clip: min(ratio/lr, 1)
ratio = 1 where w or g is 0, and where weight_decay is 0 without always_adapt
g   ← ratio·(g + weight_decay·w)
buf ← g                                      at the first update
buf ← momentum·buf + (1-dampening)·g         later
w   ← w - lr·buf                             or lr·(g + momentum·buf) with nesterov
the paper has lr inside buf, which is the same as long as lr is constant`,
	}, larsConfig{LR: 1, Trust: 1e-3, Momentum: 0.9, WeightDecay: 5e-4, Eps: 1e-8},
		func(c larsConfig) registry.Optimizer { return &lars{larsConfig: c} })
}

type larsConfig struct {
	LR          float64 `name:"lr" symbol:"γ" range:"[0,inf)" search:"log 1e-2 1e1" doc:"step size; of every weight's norm a step changes lr times trust"`
	Trust       float64 `name:"trust" symbol:"η" range:"(0,inf)" alias:"trust_coeff trust_coefficient" doc:"share of a weight's norm that a step of lr 1 changes"`
	Momentum    float64 `name:"momentum" symbol:"m" range:"[0,1)" search:"linear 0.1 0.99" doc:"share of the previous direction that stays"`
	Dampening   float64 `name:"dampening" range:"[0,1]" doc:"share of the gradient that the buffer leaves out"`
	Nesterov    bool    `name:"nesterov" doc:"step from where momentum leads"`
	WeightDecay float64 `name:"weight_decay" symbol:"β" range:"[0,inf)" search:"log 1e-6 5e-2" doc:"L2 penalty, added to the gradient"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" doc:"added to the norms that divide"`
	Clip        bool    `name:"clip" alias:"trust_clip" doc:"LARC: never step further than SGD would"`
	AlwaysAdapt bool    `name:"always_adapt" doc:"adapt steps of parameters without decay too, such as those of --no-decay"`
}

func (c larsConfig) Check() error {
	if c.Nesterov && (c.Momentum == 0 || c.Dampening != 0) {
		return fmt.Errorf("nesterov needs momentum above 0 and dampening 0")
	}
	return nil
}

type lars struct {
	larsConfig
	sweeps[larsStep]
}

type larsStep struct {
	lr, decay, momentum, keep, ratio float64
	nesterov, first                  bool
}

func (o *lars) Slots(p registry.ParamInfo) []registry.Slot {
	if o.Momentum == 0 {
		return nil
	}
	return []registry.Slot{like(p, "momentum")}
}

func (o *lars) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 11) }

func (o *lars) Update(c registry.Context, p *registry.Param) error {
	step := larsStep{
		lr: c.LR, decay: c.WeightDecay, momentum: o.Momentum, keep: 1 - o.Dampening, ratio: 1, nesterov: o.Nesterov, first: p.Step == 1,
	}
	if c.WeightDecay != 0 || o.AlwaysAdapt {
		norms, err := o.measure(c, p, nil, step, trustPass[float32, larsStep], trustPass[float64, larsStep])
		if err != nil {
			return err
		}
		step.ratio = o.ratio(c, math.Sqrt(norms[0]), math.Sqrt(norms[1]))
	}
	return o.run(c, p, step, larsPass[float32], larsPass[float64])
}

func (o *lars) ratio(c registry.Context, weight, gradient float64) float64 {
	if gradient == 0 {
		weight = 0 // the decay alone takes the plain step
	}
	ratio := trustRatio(o.Trust*weight, gradient+c.WeightDecay*weight+o.Eps)
	if o.Clip && c.LR > 0 {
		ratio = min(ratio/c.LR, 1)
	}
	return ratio
}

func larsPass[T number](s *larsStep, c chunk[T, T]) {
	p := linalg.Momentum[T]{LR: T(s.lr), Decay: T(s.decay), Momentum: T(s.momentum), Keep: T(s.keep * s.ratio), Back: 1}
	if s.nesterov {
		p.Ahead, p.Back = T(s.ratio), T(s.momentum)
	}
	if s.first {
		p.Momentum, p.Keep = 0, T(s.ratio)
	}
	if c.s[0] == nil {
		p.LR = T(s.lr * s.ratio)
	}
	p.Step(c.w, c.g, c.s[0])
}

package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
)

func init() {
	registry.Register(registry.Info{
		Name:  "lion",
		Doc:   "the sign of an interpolated momentum",
		Paper: "https://arxiv.org/abs/2302.06675; optax.lion",
		Formula: `
c ← beta1·m + (1-beta1)·g
w ← w - lr·(sign(c) + weight_decay·w)
m ← beta2·m + (1-beta2)·g`,
	}, lionConfig{LR: 1e-4, Beta1: 0.9, Beta2: 0.99, WeightDecay: 1e-3}, func(c lionConfig) registry.Optimizer { return &lion{lionConfig: c} })
}

type lionConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 1e-5 1e-2" doc:"step size of every element; for runs of some hundred steps use 1e-3"`
	Beta1       float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.5 0.99" doc:"weight of the momentum in the direction"`
	Beta2       float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.9 0.999" doc:"memory of the momentum"`
	WeightDecay float64 `name:"weight_decay" symbol:"λ" range:"[0,inf)" search:"log 1e-5 1" doc:"decoupled decay of the weights"`
}

type lion struct {
	lionConfig
	sweeps[lionStep]
}

type lionStep struct{ lr, decay, beta1, beta2 float64 }

func (o *lion) Slots(p registry.ParamInfo) []registry.Slot {
	return []registry.Slot{like(p, "momentum")}
}

func (o *lion) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 10) }

func (o *lion) Update(c registry.Context, p *registry.Param) error {
	step := lionStep{lr: c.LR, decay: c.WeightDecay, beta1: o.Beta1, beta2: o.Beta2}
	return o.run(c, p, step, lionPass[float32], lionPass[float64])
}

func lionPass[T number](s *lionStep, c chunk[T, T]) {
	lr, decay := T(s.lr), T(s.decay)
	beta1, rate1, beta2, rate2 := T(s.beta1), T(1-s.beta1), T(s.beta2), T(1-s.beta2)
	w, momentum := c.w[:len(c.g)], c.s[0][:len(c.g)]
	for i, g := range c.g {
		direction := decay * w[i]
		switch mix := beta1*momentum[i] + rate1*g; {
		case mix == 0:
		case mix != mix:
			direction = mix
		default: // signs are as good as random: a branch on them would be mispredicted
			direction += T(math.Copysign(1, float64(mix)))
		}
		w[i] -= lr * direction
		momentum[i] = beta2*momentum[i] + rate2*g
	}
}

package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
)

func init() {
	registry.Register(registry.Info{
		Name:  "rfadamw",
		Doc:   "root-free AdamW",
		Paper: "https://arxiv.org/abs/2402.03496, code published after it",
		Formula: `
w ← (1 - lr·weight_decay)·w
m ← beta1·m + (1-beta1)·g
S ← beta2·S + (1-beta2)·B·g²                 S starts at 1; B: loss terms averaged per step
w ← w - lr/c₁ · m / (S/c₂ + damping)         c₁ = c₂ = 1; with bias_correction 1-beta1ᵗ, 1-beta2ᵗ`,
	}, rfadamwConfig{LR: 3e-2, Beta1: 0.9, Beta2: 0.99, Damping: 1e-4, BatchScaling: true},
		func(c rfadamwConfig) registry.Optimizer { return &rfadamw{rfadamwConfig: c} })
}

type rfadamwConfig struct {
	LR             float64 `name:"lr" range:"[0,inf)" search:"log 5e-5 3e-1" doc:"step size; not comparable with Adam's. The official code has no default"`
	Beta1          float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.1 0.99" doc:"memory of the mean gradient"`
	Beta2          float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.9 0.9995" doc:"memory of the curvature"`
	Damping        float64 `name:"damping" symbol:"λ" range:"[0,inf)" alias:"eps" search:"log 5e-6 1e-3" doc:"added to the curvature"`
	WeightDecay    float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-5 1e-1" doc:"decoupled decay of the weights"`
	BatchScaling   bool    `name:"batch_scaling" symbol:"B" alias:"!no_batch_scaling" doc:"scale squared gradients by the number of loss terms; off is an ablation"`
	ZeroInit       bool    `name:"zero_init" doc:"start the curvature at 0 instead of 1"`
	BiasCorrection bool    `name:"bias_correction" doc:"divide out the start at 0; sensible with zero_init only"`
}

type rfadamw struct {
	rfadamwConfig
	sweeps[rfadamwStep]
}

type rfadamwStep struct{ lr, shrink, beta1, beta2, scale, grow, damping float64 }

func (o *rfadamw) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "mean"), like(p, "curvature")}
	if !o.ZeroInit {
		slots[1].Init = filled(1)
	}
	return slots
}

func (o *rfadamw) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 12) }

func (o *rfadamw) Update(c registry.Context, p *registry.Param) error {
	step := rfadamwStep{
		lr: c.LR, shrink: 1 - c.LR*c.WeightDecay, beta1: o.Beta1, beta2: o.Beta2,
		scale: lossTerms(c, o.BatchScaling), grow: 1, damping: o.Damping,
	}
	if o.BiasCorrection {
		t := float64(p.Step)
		step.lr /= 1 - math.Pow(o.Beta1, t)
		step.grow = 1 / (1 - math.Pow(o.Beta2, t))
	}
	return o.run(c, p, step, rfadamwPass[float32], rfadamwPass[float64])
}

func rfadamwPass[T number](s *rfadamwStep, c chunk[T, T]) {
	lr, shrink, grow, damping := T(s.lr), T(s.shrink), T(s.grow), T(s.damping)
	beta1, rate1, beta2, rate2 := T(s.beta1), T(1-s.beta1), T(s.beta2), T((1-s.beta2)*s.scale)
	n := len(c.g)
	w, mean, curvature := c.w[:n], c.s[0][:n], c.s[1][:n]
	for i, g := range c.g {
		m := beta1*mean[i] + rate1*g
		k := beta2*curvature[i] + rate2*(g*g)
		mean[i], curvature[i] = m, k
		w[i] *= shrink
		if m != 0 { // with zero_init and no damping the curvature may be 0 too
			w[i] -= lr * m / (k*grow + damping)
		}
	}
}

package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registry.Register(registry.Info{
		Name:  "adam",
		Doc:   "Adam with L2 penalty",
		Paper: "https://arxiv.org/abs/1412.6980; torch.optim.Adam",
		Formula: `
g ← g + weight_decay·w
m ← beta1·m + (1-beta1)·g
v ← beta2·v + (1-beta2)·g²                   amsgrad: the largest v so far divides
w ← w - lr/(1-beta1ᵗ) · m / (√v/√(1-beta2ᵗ) + eps)`,
	}, adamConfig{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, func(c adamConfig) registry.Optimizer { return &adam{adamConfig: c} })
}

type adamConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 5e-5 2e-2" doc:"step size"`
	Beta1       float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.1 0.99" doc:"memory of the mean gradient"`
	Beta2       float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.9 0.9999" doc:"memory of the mean square"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-12 1e-6" doc:"added to the corrected root"`
	AMSGrad     bool    `name:"amsgrad" doc:"divide by the largest mean square so far"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decay of the weights"`
}

// adam is Adam and, decoupled, AdamW.
type adam struct {
	adamConfig
	decoupled bool
	sweeps[adamStep]
}

type adamStep struct {
	lr, penalty, shrink, beta1, beta2, eps float64
	root                                   float64 // √(1-beta2ᵗ)
}

func (o *adam) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "mean"), like(p, "square")}
	if o.AMSGrad {
		slots = append(slots, like(p, "largest"))
	}
	return slots
}

func (o *adam) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 13) }

func (o *adam) Update(c registry.Context, p *registry.Param) error {
	t := float64(p.Step)
	step := adamStep{
		lr: c.LR / (1 - math.Pow(o.Beta1, t)), penalty: c.WeightDecay, shrink: 1,
		beta1: o.Beta1, beta2: o.Beta2, eps: o.Eps, root: math.Sqrt(1 - math.Pow(o.Beta2, t)),
	}
	if o.decoupled {
		step.penalty, step.shrink = 0, 1-c.LR*c.WeightDecay
	}
	return o.run(c, p, step, adamPass[float32], adamPass[float64])
}

func adamPass[T number](s *adamStep, c chunk[T, T]) {
	linalg.Adam[T]{
		LR: T(s.lr), Penalty: T(s.penalty), Shrink: T(s.shrink),
		Beta1: T(s.beta1), Rate1: T(1 - s.beta1), Beta2: T(s.beta2), Rate2: T(1 - s.beta2),
		Unroot: T(1 / s.root), Eps: T(s.eps),
	}.Step(c.w, c.g, c.s[0], c.s[1], c.s[2])
}

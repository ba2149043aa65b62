package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
)

func init() {
	registry.Register(registry.Info{
		Name:  "lamb",
		Doc:   "AdamW whose steps are in proportion to the norm of each weight, for large batches; the paper clips the global norm at 1 too: --clip-norm 1",
		Paper: "https://arxiv.org/abs/1904.00962",
		Formula: `
m ← beta1·m + (1-beta1)·g
v ← beta2·v + (1-beta2)·g²
u = m/(1-beta1ᵗ) / (√v/√(1-beta2ᵗ) + eps) + weight_decay·w     bias_correction=false: m / (√v + eps) + …
ratio = φ(‖w‖)/‖u‖                           φ(x) = min(x, max_norm); clip: min(ratio, 1)
ratio = 1 where w or u is 0, and where weight_decay is 0 without always_adapt
w ← w - lr·ratio·u`,
	}, lambConfig{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-6, WeightDecay: 1e-2, BiasCorrection: true},
		func(c lambConfig) registry.Optimizer { return &lamb{lambConfig: c} })
}

type lambConfig struct {
	LR             float64 `name:"lr" symbol:"η" range:"[0,inf)" search:"log 1e-4 3e-2" doc:"step size: what share of a weight's norm a step changes; for runs of some hundred steps use 1e-2"`
	Beta1          float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.1 0.99" doc:"memory of the mean gradient"`
	Beta2          float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.9 0.9999" doc:"memory of the mean square"`
	Eps            float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-9 1e-5" doc:"added to the corrected root"`
	WeightDecay    float64 `name:"weight_decay" symbol:"λ" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decay, part of what the norms compare"`
	BiasCorrection bool    `name:"bias_correction" alias:"debias" doc:"divide out the start at 0"`
	MaxNorm        float64 `name:"max_norm" symbol:"γᵤ" range:"[0,inf)" alias:"clamp_value" doc:"the weight's norm counts up to this; 0: all of it"`
	Clip           bool    `name:"clip" alias:"trust_clip" doc:"never step further than AdamW would"`
	AlwaysAdapt    bool    `name:"always_adapt" doc:"adapt steps of parameters without decay too, such as those of --no-decay"`
}

type lamb struct {
	lambConfig
	sweeps[lambStep]
}

type lambStep struct{ lr, decay, beta1, beta2, unmean, unroot, eps float64 }

func (o *lamb) Slots(p registry.ParamInfo) []registry.Slot {
	return []registry.Slot{like(p, "mean"), like(p, "square")}
}

func (o *lamb) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 22) }

func (o *lamb) Update(c registry.Context, p *registry.Param) error {
	step := lambStep{lr: c.LR, decay: c.WeightDecay, beta1: o.Beta1, beta2: o.Beta2, unmean: 1, unroot: 1, eps: o.Eps}
	if t := float64(p.Step); o.BiasCorrection {
		step.unmean = 1 / (1 - math.Pow(o.Beta1, t))
		step.unroot = 1 / math.Sqrt(1-math.Pow(o.Beta2, t))
	}
	norms, err := o.measure(c, p, p.Slots, step, lambMeasure[float32], lambMeasure[float64])
	if err != nil {
		return err
	}
	if c.WeightDecay != 0 || o.AlwaysAdapt {
		step.lr *= o.ratio(math.Sqrt(norms[0]), math.Sqrt(norms[1]))
	}
	return o.run(c, p, step, lambMove[float32], lambMove[float64])
}

func (o *lamb) ratio(weight, direction float64) float64 {
	if o.MaxNorm > 0 {
		weight = min(weight, o.MaxNorm)
	}
	ratio := trustRatio(weight, direction)
	if o.Clip {
		ratio = min(ratio, 1)
	}
	return ratio
}

// lambMeasure moves the averages and measures weight and direction.
func lambMeasure[T number](s *lambStep, c chunk[T, T]) {
	beta1, rate1, beta2, rate2 := T(s.beta1), T(1-s.beta1), T(s.beta2), T(1-s.beta2)
	decay, unmean, unroot, eps := T(s.decay), T(s.unmean), T(s.unroot), T(s.eps)
	w, mean, square := c.w[:len(c.g)], c.s[0][:len(c.g)], c.s[1][:len(c.g)]
	total := 0.0
	for i, g := range c.g {
		m, v := beta1*mean[i]+rate1*g, beta2*square[i]+rate2*(g*g)
		mean[i], square[i] = m, v
		u := float64(lambDirection(w[i], m, v, decay, unmean, unroot, eps))
		total += u * u
	}
	c.sums[0] += squares(w)
	c.sums[1] += total
}

func lambMove[T number](s *lambStep, c chunk[T, T]) {
	lr, decay, unmean, unroot, eps := T(s.lr), T(s.decay), T(s.unmean), T(s.unroot), T(s.eps)
	mean, square := c.s[0][:len(c.w)], c.s[1][:len(c.w)]
	for i, w := range c.w {
		c.w[i] = w - lr*lambDirection(w, mean[i], square[i], decay, unmean, unroot, eps)
	}
}

func lambDirection[T number](w, m, v, decay, unmean, unroot, eps T) T {
	if m == 0 { // without eps the square may be 0 too
		return decay * w
	}
	return m*unmean/(T(math.Sqrt(float64(v)))*unroot+eps) + decay*w
}

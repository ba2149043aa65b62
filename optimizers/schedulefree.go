package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "schedulefree",
		Doc:   "AdamW or SGD that averages instead of decaying the step size; use --schedule constant, and --warmup. Evaluates and saves x",
		Paper: "https://arxiv.org/abs/2405.15682; package schedulefree",
		Formula: `
y: the weights in training;  z: the base sequence, from the initial weights;  x: the average, to evaluate and save
inner=adamw: v ← beta2·v + (1-beta2)·g²,  u = g / (√(v/(1-beta2ᵗ)) + eps) + weight_decay·y
inner=sgd:   u = g + weight_decay·y
γ = lr·min(1, t/warmup_steps);  γmax ← max(γmax, γ);  p = tʳ·γmax^weight_lr_power;  P ← P + p;  c = p/P
y ← (1-c)·y + c·z - γ·(1 - beta1·(1-c))·u
z ← z - γ·u
x = y + (1 - 1/beta1)·(z - y)                which is x ← (1-c)·x + c·z for constant beta1`,
	}, schedulefreeConfig{LR: 2.5e-3, Inner: "adamw", Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Power: 2},
		func(c schedulefreeConfig) registry.Optimizer { return &schedulefree{schedulefreeConfig: c} })
}

type schedulefreeConfig struct {
	LR          float64 `name:"lr" symbol:"γ" range:"[0,inf)" search:"log 1e-4 1e-1" doc:"step size; for inner=sgd officially 1"`
	Inner       string  `name:"inner" choices:"adamw|sgd" doc:"what the base sequence steps like"`
	Beta1       float64 `name:"beta1" symbol:"β" range:"(0,1)" alias:"betas.0 momentum" search:"linear 0.8 0.98" doc:"how far y lies from z towards x"`
	Beta2       float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.9 0.9999" doc:"memory of the mean square, for adamw"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-12 1e-6" doc:"added to the corrected root, for adamw"`
	WeightDecay float64 `name:"weight_decay" symbol:"λ" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decay of the weights, at y"`
	Warmup      int     `name:"warmup_steps" range:"[0,inf)" unit:"updates" doc:"of linear warm-up; as --warmup, but counted by parameter"`
	R           float64 `name:"r" range:"[0,inf)" doc:"power of the update's number in its weight in the average"`
	Power       float64 `name:"weight_lr_power" range:"[0,inf)" doc:"power of the largest step size so far in that weight"`
}

type schedulefree struct {
	schedulefreeConfig
	sweeps[schedulefreeStep]
}

type schedulefreeStep struct {
	lr, decay, beta2, eps, unroot float64
	toward                        float64 // c
	along                         float64 // γ·(1 - beta1·(1-c))
	first                         bool
}

// Slots ends with what the average's weights have come to: P and γmax.
func (o *schedulefree) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "z")}
	if o.Inner == "adamw" {
		slots = append(slots, like(p, "square"))
	}
	return append(slots, registry.Slot{Name: "average", Shape: tensor.Shape{2}, DType: tensor.Float64})
}

func (o *schedulefree) Cost(ps []registry.ParamInfo) registry.Cost {
	if o.Inner == "sgd" {
		return elementwise(ps, 9)
	}
	return elementwise(ps, 16)
}

func (o *schedulefree) Update(c registry.Context, p *registry.Param) error {
	last := len(p.Slots) - 1
	t, lr := float64(p.Step), c.LR
	if p.Step < o.Warmup {
		lr *= t / float64(o.Warmup)
	}
	average := tensor.Slice[float64](p.Slots[last])
	average[1] = max(average[1], lr)
	weight := math.Pow(t, o.R) * math.Pow(average[1], o.Power)
	average[0] += weight
	toward := 0.0
	if average[0] > 0 {
		toward = weight / average[0]
	}
	step := schedulefreeStep{
		lr: lr, decay: c.WeightDecay, beta2: o.Beta2, eps: o.Eps, unroot: 1 / math.Sqrt(1-math.Pow(o.Beta2, t)),
		toward: toward, along: lr * (1 - o.Beta1*(1-toward)), first: p.Step == 1,
	}
	_, err := o.measure(c, p, p.Slots[:last], step, schedulefreePass[float32], schedulefreePass[float64])
	return err
}

func schedulefreePass[T number](s *schedulefreeStep, c chunk[T, T]) {
	lr, decay, beta2, rate2, eps, unroot := T(s.lr), T(s.decay), T(s.beta2), T(1-s.beta2), T(s.eps), T(s.unroot)
	toward, along := T(s.toward), T(s.along)
	y, z := c.w[:len(c.g)], c.s[0][:len(c.g)]
	if s.first {
		copy(z, y)
	}
	for i, g := range c.g {
		if square := c.s[1]; square != nil {
			v := beta2*square[i] + rate2*(g*g)
			square[i] = v
			if g != 0 { // without eps the square may be 0 too
				g /= T(math.Sqrt(float64(v)))*unroot + eps
			}
		}
		g += decay * y[i]
		y[i] += toward*(z[i]-y[i]) - along*g
		z[i] -= lr * g
	}
}

// EvalWeights writes x.
func (o *schedulefree) EvalWeights(dst *tensor.Tensor, p *registry.Param) error {
	copy(dst.Data, p.Value.Data)
	switch {
	case p.Step == 0: // z is not there yet
	case p.Info.DType == tensor.Float32:
		extrapolate(dst.F32(), p.Slots[0].F32(), 1/o.Beta1)
	case p.Info.DType == tensor.Float64:
		extrapolate(tensor.Slice[float64](dst), tensor.Slice[float64](p.Slots[0]), 1/o.Beta1)
	default:
		return unsupported(p.Info)
	}
	return nil
}

// extrapolate goes from z through y by far times their distance.
func extrapolate[T number](y, z []T, far float64) {
	back := T(1 - far)
	for i, v := range y {
		y[i] = v + back*(z[i]-v)
	}
}

package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registry.Register(registry.Info{
		Name:  "rfrmsprop",
		Doc:   "root-free RMSProp: a diagonal second-order method",
		Paper: "https://arxiv.org/abs/2402.03496",
		Formula: `
S   ← beta2·S + (1-beta2)·B·g²               S starts at 1; B: loss terms averaged per step
u   ← g / (S + damping) + weight_decay·w
buf ← momentum·buf + u
w   ← w - lr·buf`,
	}, rfrmspropConfig{LR: 1e-2, Beta2: 0.99, Damping: 1e-4, Momentum: 0.9, WeightDecay: 5e-4, BatchScaling: true},
		func(c rfrmspropConfig) registry.Optimizer { return &rfrmsprop{rfrmspropConfig: c} })
}

type rfrmspropConfig struct {
	LR           float64   `name:"lr" symbol:"β₁" range:"[0,inf)" search:"log 5e-5 1e-1" doc:"step size; not comparable with Adam's"`
	Momentum     float64   `name:"momentum" symbol:"α₁" range:"[0,1)" official:"0" search:"linear 0.1 0.99" doc:"share of the previous direction that stays"`
	Beta2        float64   `name:"beta2" symbol:"1-β₂" range:"[0,1)" alias:"alpha" search:"linear 0.9 0.9995" doc:"memory of the curvature"`
	Damping      float64   `name:"damping" symbol:"λ" range:"[0,inf)" alias:"eps" search:"log 5e-6 1e-3" doc:"added to the curvature"`
	WeightDecay  float64   `name:"weight_decay" symbol:"κ" range:"[0,inf)" official:"0" search:"log 1e-5 1e-1" doc:"decay, beside the preconditioner but inside the momentum"`
	BatchScaling bool      `name:"batch_scaling" symbol:"B" alias:"!no_batch_scaling" doc:"scale squared gradients by the number of loss terms; off is an ablation"`
	ZeroInit     bool      `name:"zero_init" doc:"start the curvature at 0 instead of 1, an ablation"`
	Root         bool      `name:"root" doc:"divide by the root of the curvature, an ablation; with batch_scaling off and zero_init this is RMSProp"`
	StateDType   precision `name:"state_dtype" doc:"f32|bf16; bf16 stalls the curvature when 1-beta2 < 0.002"`
}

type rfrmsprop struct {
	rfrmspropConfig
	sweeps[rfrmspropStep]
}

type rfrmspropStep struct {
	lr, decay, beta2, scale, damping, momentum float64
	root                                       bool
}

func (o *rfrmsprop) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "curvature")}
	if !o.ZeroInit {
		slots[0].Init = filled(1)
	}
	if o.Momentum > 0 {
		slots = append(slots, like(p, "momentum"))
	}
	if o.StateDType == bf16 {
		for i := range slots {
			slots[i].DType = tensor.BFloat16Type
		}
	}
	return slots
}

func (o *rfrmsprop) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 9) }

func (o *rfrmsprop) Update(c registry.Context, p *registry.Param) error {
	step := rfrmspropStep{
		lr: c.LR, decay: c.WeightDecay, beta2: o.Beta2, scale: lossTerms(c, o.BatchScaling), damping: o.Damping, momentum: o.Momentum, root: o.Root,
	}
	switch {
	case o.StateDType == full && o.Root:
		return o.run(c, p, step, rootedPass[float32], rootedPass[float64])
	case o.StateDType == full:
		return o.run(c, p, step, rfrmspropPass[float32], rfrmspropPass[float64])
	}
	if p.Info.DType != tensor.Float32 {
		return unsupported(p.Info)
	}
	runSweep(&o.bf16, c, p.Value.F32(), p.Grad.F32(), p.Slots, step, rfrmspropPassBF16)
	return nil
}

// lossTerms is the factor B that makes the squared mean gradient a curvature; 1 when it is switched off.
func lossTerms(c registry.Context, on bool) float64 {
	if !on {
		return 1
	}
	return float64(max(c.LossTerms, 1))
}

// The state is the paper's S and not the published code's S/B, so that it starts at 1 whatever B is and a last
// batch of another size leaves what was gathered before as it is.
func rfrmspropPass[T number](s *rfrmspropStep, c chunk[T, T]) {
	linalg.RootFree[T]{
		LR: T(s.lr), Decay: T(s.decay), Beta2: T(s.beta2), Rate: T((1 - s.beta2) * s.scale), Damping: T(s.damping),
		Momentum: T(s.momentum),
	}.Step(c.w, c.g, c.s[0], c.s[1])
}

// rootedPass is the ablation with a root.
func rootedPass[T number](s *rfrmspropStep, c chunk[T, T]) {
	lr, decay, beta2, rate := T(s.lr), T(s.decay), T(s.beta2), T((1-s.beta2)*s.scale)
	damping, momentum := T(s.damping), T(s.momentum)
	w, curvature, buf := c.w[:len(c.g)], c.s[0][:len(c.g)], c.s[1]
	for i, g := range c.g {
		curvature[i] = beta2*curvature[i] + rate*(g*g)
		u := decay * w[i]
		if g != 0 {
			u += g / (T(math.Sqrt(float64(curvature[i]))) + damping)
		}
		if buf != nil {
			u += momentum * buf[i]
			buf[i] = u
		}
		w[i] -= lr * u
	}
}

// rfrmspropPassBF16 rounds after every operation, as bfloat16 tensors do in the paper's experiments.
func rfrmspropPassBF16(s *rfrmspropStep, c chunk[float32, tensor.BFloat16]) {
	lr, decay, beta2, rate := float32(s.lr), float32(s.decay), float32(s.beta2), float32((1-s.beta2)*s.scale)
	damping, momentum := float32(s.damping), float32(s.momentum)
	w, curvature, buf := c.w[:len(c.g)], c.s[0][:len(c.g)], c.s[1]
	for i, g := range c.g {
		g = roundBF16(g)
		k := roundBF16(roundBF16(beta2*curvature[i].Float32()) + rate*(g*g))
		curvature[i] = tensor.ToBFloat16(k)
		if s.root {
			k = roundBF16(float32(math.Sqrt(float64(k))))
		}
		u := float32(0)
		if g != 0 {
			u = roundBF16(g / roundBF16(k+damping))
		}
		u = roundBF16(u + decay*roundBF16(w[i]))
		if buf != nil {
			u = roundBF16(roundBF16(momentum*buf[i].Float32()) + u)
			buf[i] = tensor.ToBFloat16(u)
		}
		w[i] -= lr * u
	}
}

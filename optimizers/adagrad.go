package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "adagrad",
		Doc:   "gradient divided by the root of the sum of its squares",
		Paper: "https://jmlr.org/papers/v12/duchi11a.html; torch.optim.Adagrad",
		Formula: `
g ← g + weight_decay·w
s ← s + g²                                   s starts at initial
w ← w - lr/(1 + (t-1)·lr_decay) · g / (√s + eps)`,
	}, adagradConfig{LR: 1e-2, Eps: 1e-10}, func(c adagradConfig) registry.Optimizer { return &adagrad{adagradConfig: c} })
}

type adagradConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 1e-4 1e-1" doc:"step size"`
	LRDecay     float64 `name:"lr_decay" range:"[0,inf)" doc:"how fast the step size falls with the number of updates"`
	Initial     float64 `name:"initial" range:"[0,inf)" alias:"initial_accumulator_value" doc:"where the sum starts"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-12 1e-6" doc:"added to the root"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-6 1e-1" doc:"L2 penalty, added to the gradient"`
}

type adagrad struct {
	adagradConfig
	sweeps[adagradStep]
}

type adagradStep struct{ lr, decay, eps float64 }

func (o *adagrad) Slots(p registry.ParamInfo) []registry.Slot {
	sum := like(p, "sum")
	sum.Init = filled(o.Initial)
	return []registry.Slot{sum}
}

// filled initialises a slot to x.
func filled(x float64) func(*tensor.Tensor) {
	return func(t *tensor.Tensor) {
		v := make([]float64, t.Elems())
		for i := range v {
			v[i] = x
		}
		t.SetFloat64s(v)
	}
}

func (o *adagrad) Cost(ps []registry.ParamInfo) registry.Cost { return elementwise(ps, 9) }

func (o *adagrad) Update(c registry.Context, p *registry.Param) error {
	step := adagradStep{lr: c.LR / (1 + float64(p.Step-1)*o.LRDecay), decay: c.WeightDecay, eps: o.Eps}
	return o.run(c, p, step, adagradPass[float32], adagradPass[float64])
}

func adagradPass[T number](s *adagradStep, c chunk[T, T]) {
	lr, decay, eps := T(s.lr), T(s.decay), T(s.eps)
	w, sum := c.w[:len(c.g)], c.s[0][:len(c.g)]
	for i, g := range c.g {
		g += decay * w[i]
		sum[i] += g * g
		// The first gradients of a sparse row may all be zero, and eps too.
		if g != 0 {
			w[i] -= lr * g / (T(math.Sqrt(float64(sum[i]))) + eps)
		}
	}
}

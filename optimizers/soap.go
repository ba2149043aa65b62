package optimizers

import (
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "soap",
		Doc:   "SOAP: Adam in the eigenbasis of Shampoo's preconditioner",
		Paper: "https://arxiv.org/abs/2409.11321; https://github.com/nikhilvyas/SOAP",
		Formula: `
Gₙ: the gradient unfolded along axis n;  Qₙ: a basis of each axis up to max_dim
first update: Lₙ = (1-β)·GₙGₙᵀ, Qₙ = eigenvectors of Lₙ, and nothing else
later, k = 1, 2, …:
g' = g ×₁ Q₁ᵀ … ×_N Q_Nᵀ
m ← beta1·m + (1-beta1)·g'                   v ← beta2·v + (1-beta2)·g'²
u = m/(√v + eps) ×₁ Q₁ … ×_N Q_N             normalize: u/rms(u)
w ← w - lr·√(1-beta2ᵏ)/(1-beta1ᵏ)·u          bias_correction=false: lr·u
w ← (1 - lr·weight_decay)·w
Lₙ ← β·Lₙ + (1-β)·GₙGₙᵀ                      β: shampoo_beta, or beta2
every interval: Qₙ ← orthonormal basis of LₙQₙ, the largest eigenvalues first; v follows, m is turned`,
	}, soapConfig{
		LR: 3e-3, Beta1: 0.95, Beta2: 0.95, ShampooBeta: -1, Eps: 1e-8, WeightDecay: 1e-2, Interval: 10, MaxDim: 10000, BiasCorrection: true,
	}, func(c soapConfig) registry.Optimizer { return &soap{soapConfig: c} })
}

type soapConfig struct {
	LR             float64 `name:"lr" range:"[0,inf)" search:"log 1e-4 3e-2" doc:"step size"`
	Beta1          float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.8 0.99" doc:"memory of the mean gradient"`
	Beta2          float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" search:"linear 0.8 0.999" doc:"memory of the mean square"`
	ShampooBeta    float64 `name:"shampoo_beta" range:"[-1,1)" doc:"memory of the statistics; below 0: beta2"`
	Eps            float64 `name:"eps" symbol:"ε" range:"[0,inf)" search:"log 1e-12 1e-6" doc:"added to the root"`
	WeightDecay    float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decay of the weights, after the step"`
	Interval       int     `name:"interval" symbol:"f" range:"[1,inf)" alias:"precondition_frequency" unit:"updates" doc:"from one turn of the bases to the next"`
	MaxDim         int     `name:"max_dim" range:"[1,inf)" alias:"max_precond_dim" doc:"longer axes are not rotated"`
	MergeDims      bool    `name:"merge_dims" doc:"merge neighbouring axes while their product is at most max_dim"`
	Vectors        bool    `name:"vectors" alias:"precondition_1d" doc:"rotate parameters of one axis too"`
	Normalize      bool    `name:"normalize" alias:"normalize_grads" doc:"scale steps to a root mean square of 1"`
	BiasCorrection bool    `name:"bias_correction" alias:"correct_bias" doc:"divide out the start at 0"`
}

// memory is that of the statistics.
func (c *soapConfig) memory() float64 {
	if c.ShampooBeta < 0 {
		return c.Beta2
	}
	return c.ShampooBeta
}

type soap struct {
	soapConfig
	f32 soapEngine[float32]
	f64 soapEngine[float64]
}

// Slots holds the statistics and the bases of all rotated axes one after another.
func (o *soap) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "mean"), like(p, "square")}
	if size := newSOAPPlan(&o.soapConfig, p.Shape).size; size > 0 {
		for _, name := range []string{"statistics", "basis"} {
			slots = append(slots, registry.Slot{Name: name, Shape: tensor.Shape{size}, DType: p.DType})
		}
	}
	return slots
}

func (o *soap) Cost(ps []registry.ParamInfo) registry.Cost {
	cost := elementwise(ps, 15)
	plan := newSOAPPlan(&o.soapConfig, ps[0].Shape)
	var rotated []int
	for n, d := range plan.dims {
		if plan.at[n] >= 0 {
			rotated = append(rotated, d)
			cost.FLOPs += 5 * 2 * float64(d) * float64(elements(ps)) // statistics, two rotations in and two out
		}
	}
	if rotated != nil {
		cost.FLOPs += (2 + qrFLOPs) * cubes(rotated) / float64(o.Interval)
		cost.Scratch = spectrumBytes(rotated) + int64((4*len(rotated)+2)*elements(ps)*ps[0].DType.Size())
	}
	return cost
}

func (o *soap) Update(c registry.Context, p *registry.Param) error {
	switch p.Info.DType {
	case tensor.Float32:
		return o.f32.update(&o.soapConfig, c, p)
	case tensor.Float64:
		return o.f64.update(&o.soapConfig, c, p)
	}
	return unsupported(p.Info)
}

// soapPlan is what follows from a parameter's shape.
type soapPlan struct {
	shape tensor.Shape
	dims  []int // after merging
	at    []int // where the matrices of each axis begin; -1: the axis is not rotated
	size  int
}

func newSOAPPlan(o *soapConfig, shape tensor.Shape) *soapPlan {
	p := &soapPlan{shape: shape.Clone(), dims: shape.Clone()}
	if o.MergeDims && len(shape) > 1 {
		p.dims = mergeGreedily(shape, o.MaxDim)
	}
	for _, d := range p.dims {
		if d > o.MaxDim || len(p.dims) < 2 && !o.Vectors {
			p.at = append(p.at, -1)
			continue
		}
		p.at = append(p.at, p.size)
		p.size += d * d
	}
	return p
}

// mergeGreedily merges neighbouring axes from the left as the official package does: an axis that would take the
// product beyond the limit starts anew, and one that does so alone stands for itself.
func mergeGreedily(shape []int, limit int) []int {
	var out []int
	product := 1
	for _, d := range shape {
		switch {
		case product*d <= limit:
			product *= d
		case product > 1:
			out = append(out, product)
			product = d
		default:
			out = append(out, d)
			product = 1
		}
	}
	if product > 1 || len(out) == 0 {
		out = append(out, product)
	}
	return out
}

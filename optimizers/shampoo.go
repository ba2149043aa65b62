package optimizers

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "shampoo",
		Doc:   "Shampoo: Kronecker-factored steps by inverse matrix roots, with grafting",
		Paper: "https://arxiv.org/abs/1802.09568, https://arxiv.org/abs/2309.06497; package distributed_shampoo",
		Formula: `
G: gradient with neighbouring axes merged and cut into blocks up to max_dim, dimensions d₁…d_N; Lₙ start at 0
Lₙ ← beta2·Lₙ + (1-beta2)·GₙGₙᵀ              Gₙ the unfolding along n; beta2 = 1 sums
Rₙ ← (Lₙ/c₂ + damping·I)^(-1/2N)             every interval updates
f  ← beta1·f + (1-beta1)·G                   c₁ = 1-beta1ᵗ, c₂ = 1-beta2ᵗ with bias_correction, else 1
X  ← f/c₁ ×₁ R₁ … ×_N R_N · ‖graft(f/c₁)‖/‖X‖
X  ← X + weight_decay·w                      decoupled=false: in G instead
w  ← w - lr·X                                or lr·(heavy-ball momentum of X)`,
	}, shampooConfig{
		LR: 1e-2, Decoupled: true, Beta1: 0.9, Beta2: 1, Damping: 1e-12, Interval: 10, Start: -1, MaxDim: 1024, MergeDims: true,
		BiasCorrection: true, Multiplier: 1, Graft: "adagrad", GraftBeta2: 1, GraftDamping: 1e-3,
	}, func(c shampooConfig) registry.Optimizer { return &shampoo{shampooConfig: c} })
}

type shampooConfig struct {
	LR             float64 `name:"lr" range:"[0,inf)" search:"log 5e-4 1e-1" doc:"step size"`
	Momentum       float64 `name:"momentum" symbol:"μ" range:"[0,1)" search:"linear 0.1 0.99" doc:"share of the previous direction that stays"`
	Nesterov       bool    `name:"nesterov" alias:"use_nesterov" doc:"step from where momentum leads"`
	WeightDecay    float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-6 1e-1" doc:"decay of the weights"`
	Decoupled      bool    `name:"decoupled" alias:"use_decoupled_weight_decay" doc:"decay beside the preconditioner; false: as L2 penalty"`
	Beta1          float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0.1 0.99" doc:"memory of the mean gradient"`
	Beta2          float64 `name:"beta2" symbol:"β₂" range:"[0,1]" alias:"betas.1" search:"linear 0.9 0.9995" doc:"memory of the statistics; 1 sums them"`
	Damping        float64 `name:"damping" symbol:"ε" range:"[0,inf)" alias:"epsilon eps" search:"log 1e-10 1e-5" doc:"added to the eigenvalues"`
	Interval       int     `name:"interval" symbol:"T" range:"[1,inf)" alias:"precondition_frequency" official:"1" unit:"updates" doc:"from one computation of the roots to the next"`
	Start          int     `name:"start" range:"[-1,inf)" alias:"start_preconditioning_step" unit:"updates" doc:"before it steps follow the graft alone; -1: interval"`
	MaxDim         int     `name:"max_dim" range:"[1,inf)" alias:"max_preconditioner_dim" doc:"longer axes are cut into blocks"`
	MergeDims      bool    `name:"merge_dims" alias:"use_merge_dims" doc:"merge neighbouring axes while their product is at most max_dim"`
	BiasCorrection bool    `name:"bias_correction" alias:"use_bias_correction" doc:"divide out the start at 0"`
	Root           int     `name:"root" range:"[0,inf)" alias:"exponent_override" doc:"which root to invert; 0: twice the number of axes"`
	Multiplier     float64 `name:"exponent_multiplier" range:"(0,inf)" doc:"multiplies the exponent of the root"`
	Graft          string  `name:"graft" choices:"none|sgd|adagrad|rmsprop|adam" alias:"grafting_type" doc:"whose step length each block takes"`
	GraftBeta2     float64 `name:"graft_beta2" range:"[0,1]" alias:"grafting_beta2" doc:"memory of the graft's squares; 1 and adagrad sum them"`
	GraftDamping   float64 `name:"graft_damping" range:"[0,inf)" alias:"grafting_epsilon" doc:"added to the graft's root"`
}

func (c shampooConfig) Check() error {
	if c.Nesterov && c.Momentum == 0 {
		return fmt.Errorf("nesterov needs momentum above 0")
	}
	return nil
}

// start is the first update that is preconditioned.
func (c *shampooConfig) start() int {
	if c.Start < 0 {
		return c.Interval
	}
	return c.Start
}

// adaptive reports whether the graft keeps squares.
func (c *shampooConfig) adaptive() bool { return c.Graft != "none" && c.Graft != "sgd" }

// graftMemory is what the graft's squares are multiplied by at an update; 1: they are summed.
func (c *shampooConfig) graftMemory() float64 {
	if c.Graft == "adagrad" {
		return 1
	}
	return c.GraftBeta2
}

type shampoo struct {
	shampooConfig
	f32 shampooEngine[float32]
	f64 shampooEngine[float64]
}

// Slots holds the factors of all blocks one after another.
func (o *shampoo) Slots(p registry.ParamInfo) []registry.Slot {
	size := tensor.Shape{newShampooPlan(&o.shampooConfig, p.Shape).size}
	slots := []registry.Slot{{Name: "statistics", Shape: size, DType: p.DType}, {Name: "roots", Shape: size, DType: p.DType}}
	for _, s := range []struct {
		name string
		kept bool
	}{{"mean", o.Beta1 > 0}, {"graft", o.adaptive()}, {"momentum", o.Momentum > 0}} {
		if s.kept {
			slots = append(slots, like(p, s.name))
		}
	}
	return slots
}

func (o *shampoo) Cost(ps []registry.ParamInfo) registry.Cost {
	cost := elementwise(ps, 15)
	for _, b := range newShampooPlan(&o.shampooConfig, ps[0].Shape).blocks {
		cost.FLOPs += 2*matrixProducts(b.dims) + (eigenFLOPs+2)*cubes(b.dims)/float64(o.Interval)
		cost.Scratch = max(cost.Scratch, spectrumBytes(b.dims))
	}
	cost.Scratch += int64(4 * elements(ps) * ps[0].DType.Size())
	return cost
}

func (o *shampoo) Update(c registry.Context, p *registry.Param) error {
	switch p.Info.DType {
	case tensor.Float32:
		return o.f32.update(&o.shampooConfig, c, p)
	case tensor.Float64:
		return o.f64.update(&o.shampooConfig, c, p)
	}
	return unsupported(p.Info)
}

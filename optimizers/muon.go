package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "muon",
		Doc:   "momentum made orthogonal by Newton-Schulz iterations; AdamW for what is no hidden matrix",
		Paper: "https://kellerjordan.github.io/posts/muon; https://github.com/KellerJordan/Muon",
		Formula: `
hidden matrices, kernels as outputs × rest:
b ← momentum·b + (1-momentum)·g
u = (1-momentum)·g + momentum·b              nesterov=false: b
X = u/(‖u‖ + 1e-7), of the wide side; ns_steps times:
    A = XXᵀ;  X ← 3.4445·X + (-4.7750·A + 2.0315·A²)X
w ← (1 - lr·weight_decay)·w - lr·√max(1, rows/columns)·X
embeddings, biases, norms, vectors: AdamW with aux_lr, which follows the schedule of lr`,
	}, muonConfig{
		LR: 2e-2, Momentum: 0.95, Nesterov: true, Steps: 5, Hidden: "auto", AuxBeta1: 0.9, AuxBeta2: 0.95, AuxEps: 1e-10,
	}, func(c muonConfig) registry.Optimizer { return &muon{muonConfig: c} })
}

type muonConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 1e-3 1e-1" doc:"step size of matrices"`
	Momentum    float64 `name:"momentum" symbol:"μ" range:"[0,1)" search:"linear 0.8 0.99" doc:"memory of the mean gradient"`
	Nesterov    bool    `name:"nesterov" doc:"step from where momentum leads"`
	Steps       int     `name:"ns_steps" range:"[1,100]" doc:"Newton-Schulz iterations"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decoupled decay of the weights"`
	Hidden      string  `name:"hidden" choices:"auto|all|none" doc:"which parameters count as hidden matrices; auto: weights with two axes or more"`
	AuxLR       float64 `name:"aux_lr" range:"[0,inf)" search:"log 5e-5 1e-2" doc:"step size of everything else; 0: 0.015 of lr"`
	AuxBeta1    float64 `name:"aux_beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" doc:"memory of the mean gradient there"`
	AuxBeta2    float64 `name:"aux_beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" doc:"memory of the mean square there"`
	AuxEps      float64 `name:"aux_eps" symbol:"ε" range:"[0,inf)" alias:"eps" doc:"added to the corrected root there"`
}

type muon struct {
	muonConfig
	f32    muonEngine[float32]
	f64    muonEngine[float64]
	others sweeps[adamStep]
}

// matrix says how a parameter is seen as a matrix, and whether it is a hidden one.
func (o *muon) matrix(p registry.ParamInfo) (rows, cols int, hidden bool) {
	if len(p.Shape) < 2 {
		return 0, 0, false
	}
	rows, cols = p.Shape[0], p.Shape[1:].Elems()
	hidden = o.Hidden == "all" || o.Hidden == "auto" && p.Role == registry.Weight
	return rows, cols, hidden && rows > 1 && cols > 1
}

func (o *muon) Slots(p registry.ParamInfo) []registry.Slot {
	if _, _, hidden := o.matrix(p); hidden {
		return []registry.Slot{like(p, "momentum")}
	}
	return []registry.Slot{like(p, "mean"), like(p, "square")}
}

func (o *muon) Cost(ps []registry.ParamInfo) registry.Cost {
	rows, cols, hidden := o.matrix(ps[0])
	if !hidden {
		return elementwise(ps, 13)
	}
	n, m := float64(min(rows, cols)), float64(max(rows, cols))
	cost := elementwise(ps, 12)
	cost.FLOPs += float64(o.Steps) * (4*n*n*m + 2*n*n*n)
	cost.Scratch = int64(2*n*m+2*n*n) * int64(ps[0].DType.Size())
	return cost
}

func (o *muon) Update(c registry.Context, p *registry.Param) error {
	rows, cols, hidden := o.matrix(p.Info)
	switch {
	case !hidden:
		return o.auxiliary(c, p)
	case p.Info.DType == tensor.Float32:
		o.f32.update(&o.muonConfig, c, p, rows, cols)
	case p.Info.DType == tensor.Float64:
		o.f64.update(&o.muonConfig, c, p, rows, cols)
	default:
		return unsupported(p.Info)
	}
	return nil
}

func (o *muon) auxiliary(c registry.Context, p *registry.Param) error {
	lr := 0.015 * c.LR // the official defaults are 3e-4 beside 2e-2
	if o.AuxLR > 0 && o.LR > 0 {
		lr = o.AuxLR * c.LR / o.LR
	}
	t := float64(p.Step)
	return o.others.run(c, p, adamStep{
		lr: lr / (1 - math.Pow(o.AuxBeta1, t)), shrink: 1 - lr*c.WeightDecay,
		beta1: o.AuxBeta1, beta2: o.AuxBeta2, eps: o.AuxEps, root: math.Sqrt(1 - math.Pow(o.AuxBeta2, t)),
	}, adamPass[float32], adamPass[float64])
}

// muonEngine updates matrices of one precision.
type muonEngine[T number] struct{ arenas[T] }

func (e *muonEngine[T]) update(o *muonConfig, c registry.Context, p *registry.Param, rows, cols int) {
	a := e.borrow(c.Pool)
	defer e.giveBack(a)
	w, g, momentum := tensor.Slice[T](p.Value), tensor.Slice[T](p.Grad), tensor.Slice[T](p.Slots[0])
	u := a.take(len(g))
	keep, rate := T(o.Momentum), T(1-o.Momentum)
	for i, x := range g {
		b := keep*momentum[i] + rate*x
		momentum[i] = b
		if o.Nesterov {
			b = rate*x + keep*b
		}
		u[i] = b
	}
	x := orthogonal(a, mat[T]{u, rows, cols, cols, 1}, o.Steps)
	// The official code takes the last two axes as they are, which of a kernel are its window.
	last := len(p.Info.Shape) - 1
	scale := math.Sqrt(max(1, float64(p.Info.Shape[last-1])/float64(p.Info.Shape[last])))
	lr, shrink := T(c.LR*scale), T(1-c.LR*c.WeightDecay)
	for i, v := range x {
		w[i] = shrink*w[i] - lr*v
	}
}

// orthogonal overwrites u with a matrix whose singular values are near 1 and whose singular vectors are those of u,
// and returns its elements. The coefficients trade exactness for the steepest slope at 0.
func orthogonal[T number](ar *arena[T], u mat[T], steps int) []T {
	data := u.data
	if u.rows > u.cols {
		u = u.t()
	}
	n := u.rows
	scale := T(1 / (length(data) + 1e-7))
	for i := range data {
		data[i] *= scale
	}
	a, poly := square(ar.take(n*n), n), square(ar.take(n*n), n)
	next := u
	next.data = ar.take(len(data))
	x := u
	for range steps {
		gemm(ar, 1, x, x.t(), 0, a)
		for i, v := range a.data {
			poly.data[i] = -4.7750 * v
		}
		gemm(ar, 2.0315, a, a, 1, poly)
		for i, v := range x.data {
			next.data[i] = 3.4445 * v
		}
		gemm(ar, 1, poly, x, 1, next)
		x, next = next, x
	}
	return x.data
}

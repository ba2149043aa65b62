package optimizers

import (
	"fmt"
	"sync"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "ifshampoo",
		Doc:   "inverse-free, root-free Shampoo: Kronecker-factored second-order steps by matrix products alone",
		Paper: "https://arxiv.org/abs/2402.03496; package sirfshampoo",
		Formula: `
G: gradient without axes of size 1, dimensions d₁…d_N; B: loss terms averaged per step; all Kₙ start at I, mₙ at 0
every interval updates, before the step, for every axis n, with the old factors:
    Y  ← G ×₁ K₁ᵀ … ×_N K_Nᵀ,  Uₙ its unfolding along n,  aⱼ = tr(KⱼᵀKⱼ)/dⱼ
    sₙ ← ½[ damping·∏_{j≠n} aⱼ · Π(KₙᵀKₙ) + B/∏_{j≠n} dⱼ · Π(UₙUₙᵀ) - I ]
    mₙ ← alpha2·mₙ + (1-alpha2)·sₙ
    Kₙ ← Kₙ - beta2/max(1, ‖mₙ‖)·Kₙmₙ
X   ← G ×₁ K₁K₁ᵀ … ×_N K_NK_Nᵀ + weight_decay·w
buf ← momentum·buf + X
w   ← w - lr·buf`,
	}, ifshampooConfig{
		LR: 4e-4, Momentum: 0.7, WeightDecay: 5e-3, Beta2: 0.3, Alpha2: 0.6, Damping: 1e-4,
		Interval: interval{every: 2}, Structure: structures{perAxis{0: {"dense"}}}, Grouping: grouping{perParameter},
		FactorDType: precisions{perAxis{0: {"auto"}}}, MaxDenseDim: 1024, MaxDenseVector: 512,
	}, func(c ifshampooConfig) registry.Optimizer { return &ifshampoo{ifshampooConfig: c} })
}

type ifshampooConfig struct {
	LR          float64    `name:"lr" symbol:"β₁" range:"[0,inf)" search:"log 8e-5 1e-1" doc:"step size; models of text take 25 to 100 times the default"`
	Momentum    float64    `name:"momentum" symbol:"α₁" range:"[0,1)" alias:"alpha1" search:"linear 0.1 0.95" doc:"share of the previous direction that stays"`
	WeightDecay float64    `name:"weight_decay" symbol:"κ" range:"[0,inf)" alias:"kappa" official:"0" search:"log 1e-6 6e-2" doc:"decay, not preconditioned but inside the momentum"`
	Beta2       float64    `name:"beta2" symbol:"β₂" range:"(0,1)" official:"0.01" search:"log 5e-2 8e-1" doc:"rate of the preconditioner; bf16 factors need 0.05 or more"`
	Alpha2      float64    `name:"alpha2" symbol:"α₂" range:"[0,1)" official:"0.5" search:"linear 0.1 0.9" doc:"Riemannian momentum of the preconditioner"`
	Damping     float64    `name:"damping" symbol:"λ" range:"[0,inf)" alias:"lam" official:"1e-3" search:"log 3e-5 1e-3" doc:"added to the curvature; a step without gradient history grows up to its inverse"`
	Interval    interval   `name:"interval" symbol:"T" alias:"T" official:"1" unit:"updates" doc:"from one update of the preconditioner to the next: N, log4:N (gaps grow to N) or at:N/N/…"`
	Structure   structures `name:"structure" symbol:"Π" alias:"structures" doc:"dense diagonal blockN triltoeplitz triutoeplitz hierarchicalA_B, by axis as x/y, by order as 1:x;2:y/z (else dense)"`
	Grouping    grouping   `name:"grouping" alias:"combine" doc:"rules, first match wins: linear_weight_bias/flatten_embedding/per_parameter"`
	ConvMatrix  bool       `name:"conv_as_matrix" doc:"take kernels for matrices, outputs by everything else"`
	FactorDType precisions `name:"factor_dtype" alias:"preconditioner_dtype" doc:"f32|bf16, by axis and order as structure; auto: bf16 where the model computes in it, f32 else"`

	MaxDenseDim    int `name:"max_dense_dim" range:"[0,inf)" doc:"longer axes get a diagonal factor where structure says dense"`
	MaxDenseVector int `name:"max_dense_vector" range:"[0,inf)" doc:"the same for tensors of one axis"`
}

// axisFactor is what a setting makes of one axis.
type axisFactor struct {
	d         int
	structure structure
	bf16      bool
	cached    bool // whether K·Kᵀ is kept between updates of K
}

// factors decides the factors of a combined tensor of a model that computes in the given precision.
func (c *ifshampooConfig) factors(dims []int, compute tensor.DType) ([]axisFactor, error) {
	kinds, err := c.Structure.of(len(dims), "dense")
	if err != nil {
		return nil, fmt.Errorf("setting structure has %w", err)
	}
	dtypes, err := c.FactorDType.of(len(dims), "auto")
	if err != nil {
		return nil, fmt.Errorf("setting factor_dtype has %w", err)
	}
	limit := c.MaxDenseDim
	if len(dims) == 1 {
		limit = min(limit, c.MaxDenseVector)
	}
	elems := tensor.Shape(dims).Elems()
	out := make([]axisFactor, len(dims))
	for i, d := range dims {
		f := axisFactor{d: d, bf16: dtypes[i] == "bf16" || dtypes[i] == "bfloat16" || dtypes[i] == "auto" && compute == tensor.BFloat16Type}
		if f.structure, err = parseStructure(kinds[i]); err != nil {
			return nil, err
		}
		if d > limit && f.structure.kind == "dense" {
			f.structure.kind = "diagonal"
		}
		// K·(Kᵀx) costs 2·d²·columns a step, (K·Kᵀ)·x half of it and d³ whenever K changes.
		f.cached = f.structure.kind == "dense" && c.Interval.gap() > 1 && elems/d*c.Interval.gap() > d
		out[i] = f
	}
	return out, nil
}

// ifshampoo keeps between updates nothing but scratch memory and what it worked out about shapes.
type ifshampoo struct {
	ifshampooConfig
	f32 ifEngine[float32]
	f64 ifEngine[float64]
}

func (o *ifshampoo) CheckParams(ps []registry.ParamInfo) error {
	covered := 0
	for _, members := range o.Group(ps) {
		infos := make([]registry.ParamInfo, len(members))
		for i, m := range members {
			infos[i] = ps[m]
		}
		covered += len(members)
		_, dims := o.Grouping.combined(infos, o.ConvMatrix)
		if _, err := o.factors(dims, infos[0].Compute); err != nil {
			return fmt.Errorf("parameter %q: %w", infos[0].Name, err)
		}
	}
	if covered < len(ps) {
		return fmt.Errorf("%d of %d parameters follow none of the grouping rules; end the setting grouping with /%s", len(ps)-covered, len(ps), perParameter)
	}
	return nil
}

func (o *ifshampoo) Group(ps []registry.ParamInfo) [][]int { return o.Grouping.partition(ps) }

func (o *ifshampoo) Slots(p registry.ParamInfo) []registry.Slot {
	return o.GroupSlots([]registry.ParamInfo{p})
}

// GroupSlots declares for axis n the slots Kn, mn and Pn, then the momentum of each parameter, without what is not used.
func (o *ifshampoo) GroupSlots(ps []registry.ParamInfo) []registry.Slot {
	_, dims := o.Grouping.combined(ps, o.ConvMatrix)
	factors, err := o.factors(dims, ps[0].Compute)
	if err != nil {
		return nil // CheckParams has said so
	}
	var slots []registry.Slot
	for i, f := range factors {
		dt := ps[0].DType
		if f.bf16 {
			dt = tensor.BFloat16Type
		}
		l := newClass[float64](f.structure, f.d).layout()
		identity := func(t *tensor.Tensor) {
			v := make([]float64, l.size)
			addIdentity(l, v, 1)
			t.SetFloat64s(v)
		}
		slot := func(name string, init func(*tensor.Tensor)) {
			slots = append(slots, registry.Slot{Name: fmt.Sprintf("%s%d", name, i+1), Shape: tensor.Shape{l.size}, DType: dt, Init: init})
		}
		slot("K", identity)
		if o.Alpha2 > 0 {
			slot("m", nil)
		}
		if f.cached {
			slot("P", identity)
		}
	}
	if o.Momentum > 0 {
		for i, p := range ps {
			name := "momentum"
			if len(ps) > 1 {
				name = fmt.Sprintf("momentum%d", i+1)
			}
			slots = append(slots, like(p, name))
		}
	}
	return slots
}

// Cost counts the products of structures that compute with whole matrices as such.
func (o *ifshampoo) Cost(ps []registry.ParamInfo) registry.Cost {
	cost := elementwise(ps, 6)
	_, dims := o.Grouping.combined(ps, o.ConvMatrix)
	factors, err := o.factors(dims, ps[0].Compute)
	if err != nil {
		return cost // CheckParams has said so
	}
	elems, size := elements(ps), int64(ps[0].DType.Size())
	tensors := 2 * len(dims)
	if newSheet(dims, factors) != nil {
		tensors = 3
	}
	cost.Scratch = int64(tensors*elems) * size
	for _, f := range factors {
		along := f.structure.product(f.d) // of one column
		columns, applied, products := float64(elems/f.d), 2.0, 2.0
		if f.cached {
			applied, products = 1, 3
		}
		cost.FLOPs += applied*along*columns + (2*along*columns+products*f.structure.products(f.d))/float64(o.Interval.gap())
		cost.Scratch += 3 * int64(newClass[float64](f.structure, f.d).layout().size) * size
	}
	return cost
}

func (o *ifshampoo) Update(c registry.Context, p *registry.Param) error {
	return o.UpdateGroup(c, []*registry.Param{p}, p.Slots)
}

func (o *ifshampoo) UpdateGroup(c registry.Context, ps []*registry.Param, slots []*tensor.Tensor) error {
	switch ps[0].Info.DType {
	case tensor.Float32:
		return o.f32.update(&o.ifshampooConfig, c, ps, slots)
	case tensor.Float64:
		return o.f64.update(&o.ifshampooConfig, c, ps, slots)
	}
	return unsupported(ps[0].Info)
}

// plans remembers what was worked out about parameters, by name.
type plans[P any] struct {
	mu sync.RWMutex
	m  map[string]P
}

func (p *plans[P]) get(name string) (P, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.m[name]
	return v, ok
}

func (p *plans[P]) put(name string, v P) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]P{}
	}
	p.m[name] = v
}

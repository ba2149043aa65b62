package optimizers

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "adafactor",
		Doc:   "gradient divided by the root of a mean square of rank 1: state of rows and columns instead of elements",
		Paper: "https://arxiv.org/abs/1804.04235",
		Formula: `
b  = 1 - t^decay_rate
R ← b·R + (1-b)·mean over columns of (g² + eps1);  C ← b·C + (1-b)·mean over rows of (g² + eps1)
V = R·C / mean(R)                            of the two axes that axes names, for every index of the others
V ← b·V + (1-b)·(g² + eps1)                  for vectors, and axes shorter than min_dim
u = g/√V;  u ← u / max(1, rms(u)/clip)
α = lr                                       relative_step: min(1e-2, 1/√t), with warmup_init min(1e-6·t, 1/√t)
α ← α·max(eps2, rms(w))                      with scale_parameter
m ← beta1·m + (1-beta1)·α·u;  u' = m         beta1=0: u' = α·u
w ← (1 - α·weight_decay)·w - u'`,
	}, adafactorConfig{LR: 1e-3, Clip: 1, DecayRate: -0.8, Eps1: 1e-30, Eps2: 1e-3, Axes: "largest", MinDim: 2},
		func(c adafactorConfig) registry.Optimizer { return &adafactor{adafactorConfig: c} })
}

type adafactorConfig struct {
	LR             float64 `name:"lr" symbol:"α" range:"[0,inf)" search:"log 1e-5 3e-2" doc:"step size; with scale_parameter a share of each weight, say 1e-2. With relative_step only its schedule counts"`
	Beta1          float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" search:"linear 0 0.95" doc:"memory of the steps; 0 keeps no state for it"`
	DecayRate      float64 `name:"decay_rate" symbol:"-c" range:"(-inf,0]" doc:"the memory of the mean square grows as 1 - t^decay_rate"`
	Clip           float64 `name:"clip" symbol:"d" range:"(0,inf)" alias:"clip_threshold" doc:"largest root mean square of a step before lr"`
	Eps1           float64 `name:"eps1" symbol:"ε₁" range:"[0,inf)" alias:"eps eps2.0" doc:"added to squared gradients"`
	Eps2           float64 `name:"eps2" symbol:"ε₂" range:"[0,inf)" alias:"eps_scale eps2.1" doc:"least root mean square of a weight, for scale_parameter"`
	ScaleParameter bool    `name:"scale_parameter" official:"true" doc:"steps in proportion to the root mean square of each weight"`
	RelativeStep   bool    `name:"relative_step" official:"true" doc:"the paper's own step size, which falls with time"`
	WarmupInit     bool    `name:"warmup_init" doc:"let that step size rise from 1e-6"`
	WeightDecay    float64 `name:"weight_decay" range:"[0,inf)" search:"log 1e-4 2e-1" doc:"decoupled decay of the weights"`
	Axes           string  `name:"axes" choices:"largest|last|first" doc:"which two axes of a kernel are factored: the largest as in optax, the last as in fairseq, or the first as in timm"`
	MinDim         int     `name:"min_dim" range:"[2,inf)" alias:"min_dim_size_to_factor" doc:"axes that are shorter are not factored; officially any to 128"`
}

type adafactor struct {
	adafactorConfig
	f32 adafactorEngine[float32]
	f64 adafactorEngine[float64]
}

// factored is a parameter seen as left × rows × middle × cols × right elements, whose mean square is of rank 1 along rows
// and columns. Without rows it is not.
type factored struct{ left, rows, middle, cols, right int }

func (o *adafactorConfig) factor(shape tensor.Shape) (f factored) {
	i, j := o.axes(shape)
	if i < 0 || min(shape[i], shape[j]) < o.MinDim {
		return factored{}
	}
	return factored{shape[:i].Elems(), shape[i], shape[i+1 : j].Elems(), shape[j], shape[j+1:].Elems()}
}

// axes are the two axes to factor, -1 if there are none. Of equally large ones the last count.
func (o *adafactorConfig) axes(shape tensor.Shape) (i, j int) {
	n := len(shape)
	switch {
	case n < 2:
		return -1, -1
	case o.Axes == "first":
		return 0, 1
	case o.Axes == "last":
		return n - 2, n - 1
	}
	i, j = -1, -1
	for k, d := range shape {
		switch {
		case j < 0 || d >= shape[j]:
			i, j = j, k
		case i < 0 || d >= shape[i]:
			i = k
		}
	}
	return min(i, j), max(i, j)
}

func (o *adafactor) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{like(p, "square")}
	if f := o.factor(p.Shape); f.rows > 0 {
		slots = []registry.Slot{
			{Name: "rows", Shape: tensor.Shape{f.left * f.rows * f.middle * f.right}, DType: p.DType},
			{Name: "columns", Shape: tensor.Shape{f.left * f.middle * f.cols * f.right}, DType: p.DType},
		}
	}
	if o.Beta1 > 0 {
		slots = append(slots, like(p, "momentum"))
	}
	return slots
}

func (o *adafactor) Cost(ps []registry.ParamInfo) registry.Cost {
	cost := elementwise(ps, 13)
	cost.Scratch = int64(elements(ps) * ps[0].DType.Size())
	return cost
}

func (o *adafactor) Update(c registry.Context, p *registry.Param) error {
	switch p.Info.DType {
	case tensor.Float32:
		o.f32.update(&o.adafactorConfig, c, p)
	case tensor.Float64:
		o.f64.update(&o.adafactorConfig, c, p)
	default:
		return unsupported(p.Info)
	}
	return nil
}

// size is α; rms is that of the weights.
func (o *adafactorConfig) size(c registry.Context, t int, rms float64) float64 {
	size := c.LR
	if o.RelativeStep {
		size = 1e-2
		if o.WarmupInit {
			size = 1e-6 * float64(t)
		}
		size = min(size, 1/math.Sqrt(float64(t)))
		if o.LR > 0 {
			size *= c.LR / o.LR
		}
	}
	if o.ScaleParameter {
		size *= max(o.Eps2, rms)
	}
	return size
}

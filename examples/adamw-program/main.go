// Command adamw-program is AdamW as a program of its own that onnxtrain runs: onnxtrain --plugin ./adamw-program --opt adamw-program
package main

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

const name = "adamw-program"

func main() { plugin.Serve(name, "1.0") }

func init() {
	registry.Register(registry.Info{
		Name:  name,
		Doc:   "AdamW in a process of its own",
		Paper: "https://arxiv.org/abs/1711.05101",
		Formula: `
w ← (1 - lr·weight_decay)·w
m ← beta1·m + (1-beta1)·g
v ← beta2·v + (1-beta2)·g²                   amsgrad: the largest v so far divides
w ← w - lr/(1-beta1ᵗ) · m / (√v/√(1-beta2ᵗ) + eps)`,
	}, settings{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-2}, func(s settings) registry.Optimizer { return &adamw{s} })
}

type settings struct {
	LR          float64 `name:"lr" range:"[0,inf)" doc:"step size"`
	Beta1       float64 `name:"beta1" symbol:"β₁" range:"[0,1)" alias:"betas.0" doc:"memory of the mean gradient"`
	Beta2       float64 `name:"beta2" symbol:"β₂" range:"[0,1)" alias:"betas.1" doc:"memory of the mean square"`
	Eps         float64 `name:"eps" symbol:"ε" range:"[0,inf)" doc:"added to the corrected root"`
	AMSGrad     bool    `name:"amsgrad" doc:"divide by the largest mean square so far"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" doc:"decay of the weights"`
}

type adamw struct{ settings }

// Slots declares the state. onnxtrain owns it, so that it is in every checkpoint and survives this program.
func (o *adamw) Slots(p registry.ParamInfo) []registry.Slot {
	slots := []registry.Slot{{Name: "mean", Shape: p.Shape, DType: p.DType}, {Name: "square", Shape: p.Shape, DType: p.DType}}
	if o.AMSGrad {
		slots = append(slots, registry.Slot{Name: "largest", Shape: p.Shape, DType: p.DType})
	}
	return slots
}

// Update goes by the rates in c, which follow the schedules.
func (o *adamw) Update(c registry.Context, p *registry.Param) error {
	if p.Info.DType == tensor.Float64 {
		update[float64](o, c, p)
	} else {
		update[float32](o, c, p)
	}
	return nil
}

// grain is a chunk that stays in the cache.
const grain = 16384

func update[T float32 | float64](o *adamw, c registry.Context, p *registry.Param) {
	t := float64(p.Step)
	step := linalg.Adam[T]{
		LR: T(c.LR / (1 - math.Pow(o.Beta1, t))), Shrink: T(1 - c.LR*c.WeightDecay),
		Beta1: T(o.Beta1), Rate1: T(1 - o.Beta1), Beta2: T(o.Beta2), Rate2: T(1 - o.Beta2),
		Unroot: T(1 / math.Sqrt(1-math.Pow(o.Beta2, t))), Eps: T(o.Eps),
	}
	w, g := tensor.Slice[T](p.Value), tensor.Slice[T](p.Grad)
	m, v := tensor.Slice[T](p.Slots[0]), tensor.Slice[T](p.Slots[1])
	c.For(len(w), grain, func(_, lo, hi int) {
		var largest []T
		if o.AMSGrad {
			largest = tensor.Slice[T](p.Slots[2])[lo:hi]
		}
		step.Step(w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], largest)
	})
}

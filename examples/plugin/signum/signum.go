// Package signum is an optimizer outside of onnxtrain: steps along the sign of the momentum (Bernstein et al. 2018).
package signum

import (
	"math"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	registry.Register(registry.Info{
		Name:  "signum",
		Doc:   "the sign of the momentum",
		Paper: "https://arxiv.org/abs/1802.04434",
		Formula: `
m ← momentum·m + (1-momentum)·g
w ← w - lr·(sign(m) + weight_decay·w)`,
	}, settings{LR: 1e-3, Momentum: 0.9}, func(s settings) registry.Optimizer { return &signum{s} })
}

type settings struct {
	LR          float64 `name:"lr" range:"[0,inf)" doc:"step size"`
	Momentum    float64 `name:"momentum" symbol:"β" range:"[0,1)" doc:"memory of the mean gradient"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" doc:"decoupled decay of the weights"`
}

type signum struct{ settings }

// Slots declares the state; the host allocates it, saves it and restores it.
func (o *signum) Slots(p registry.ParamInfo) []registry.Slot {
	return []registry.Slot{{Name: "momentum", Shape: p.Shape, DType: p.DType}}
}

// Update goes by the rates in c, which follow the schedules, and not by those in the settings.
func (o *signum) Update(c registry.Context, p *registry.Param) error {
	if p.Info.DType == tensor.Float64 {
		update[float64](o, c, p)
	} else {
		update[float32](o, c, p)
	}
	return nil
}

func update[T float32 | float64](o *signum, c registry.Context, p *registry.Param) {
	w, g, m := tensor.Slice[T](p.Value), tensor.Slice[T](p.Grad), tensor.Slice[T](p.Slots[0])
	c.For(len(w), 1<<14, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			m[i] = T(o.Momentum)*m[i] + T(1-o.Momentum)*g[i]
			direction := T(0)
			if m[i] != 0 {
				direction = T(math.Copysign(1, float64(m[i])))
			}
			w[i] -= T(c.LR) * (direction + T(c.WeightDecay)*w[i])
		}
	})
}

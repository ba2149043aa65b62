// Package registry is the optimizer contract, the settings of optimizers and the table of their names: all that an
// out-of-tree optimizer imports.
package registry

import (
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Role is what a parameter does in its model; initialisation, weight-decay exemption and grouping go by it.
type Role string

const (
	Weight    Role = "weight"    // matrices and kernels
	Bias      Role = "bias"      // added vectors
	Norm      Role = "norm"      // scale and shift of a normalisation
	Embedding Role = "embedding" // rows picked by an index
)

// ParamInfo describes a parameter to an optimizer.
type ParamInfo struct {
	Name  string
	Shape tensor.Shape
	DType tensor.DType
	Role  Role
	// Compute is what the model's products with it are computed in where that is not DType, such as bfloat16; Invalid: DType.
	Compute tensor.DType
}

// Slot declares a piece of optimizer state. The host allocates, initialises, saves and restores it.
type Slot struct {
	Name  string
	Shape tensor.Shape
	DType tensor.DType
	Init  func(*tensor.Tensor) // nil: zeros
}

// Param is a parameter during an update. Update changes Value and Slots in place and must not change Grad.
type Param struct {
	Info        ParamInfo
	Value, Grad *tensor.Tensor
	Slots       []*tensor.Tensor // in the order that Optimizer.Slots declared
	// Step counts this parameter's updates, from 1. It differs from Context.Step when the parameter had no
	// gradient for some steps or joined late.
	Step int
}

// Context is what a step tells every update. Of lr and weight_decay these values count, not those in the settings,
// which are only where the host's schedules start.
type Context struct {
	Step int     // the training step, from 1
	LR   float64 // the learning rate after the schedule
	// WeightDecay is the decay for this parameter after groups and --no-decay.
	WeightDecay float64
	// LossTerms is the number of terms that the loss averages over in this step (B in arXiv 2402.03496), 1 for a sum.
	LossTerms int
	Pool      *par.Pool
}

// For runs fn over [0, n) in chunks of grain on the host's workers; see par.Pool.For.
func (c Context) For(n, grain int, fn func(worker, lo, hi int)) { c.Pool.For(n, grain, fn) }

// Optimizer turns gradients into updates. It owns no training state: all that a resumed run needs lies in slots.
// Update may be called for several parameters at once from different goroutines.
type Optimizer interface {
	Slots(p ParamInfo) []Slot
	Update(c Context, p *Param) error
}

// Grouper is an optimizer that preconditions several parameters together, such as a weight with its bias. Group
// partitions the parameters, by index; Slots and Update then see a group of several as GroupSlots and UpdateGroup.
type Grouper interface {
	Optimizer
	Group(ps []ParamInfo) [][]int
	GroupSlots(ps []ParamInfo) []Slot
	UpdateGroup(c Context, ps []*Param, slots []*tensor.Tensor) error
}

// Checker is an optimizer whose settings may not fit every parameter. The host asks before it allocates state.
type Checker interface {
	Optimizer
	// CheckParams returns an error that names the parameter and the setting.
	CheckParams(ps []ParamInfo) error
}

// EvalView is an optimizer whose evaluation weights differ from the weights it trains, such as schedule-free ones.
type EvalView interface {
	Optimizer
	// EvalWeights writes into dst the weights to evaluate and export. p has no gradient, its Step counts the updates so
	// far, and neither its value nor its slots may change.
	EvalWeights(dst *tensor.Tensor, p *Param) error
}

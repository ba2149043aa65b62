package train

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// StepResult is what a training step reports. Loss and Score are of the batch before the update.
type StepResult struct {
	Step     int
	Epoch    float64
	Loss     float64
	LR       float64
	GradNorm float64
	Score    Score
	Examples int
	Compute  time.Duration // forward and backward
	Update   time.Duration // optimizer
}

// Trainer updates an engine's parameters batch by batch.
type Trainer struct {
	Engine *Engine
	Seed   uint64

	opt        *optimizer
	grads      gradients
	clip       float64
	terms      string // Config.LossTerms
	totalSteps int
	step       int
}

// NewTrainer prepares the optimizer for a run of totalSteps updates.
func NewTrainer(e *Engine, c *Config, totalSteps int) (*Trainer, error) {
	opt, err := newOptimizer(c, e.Params)
	if err != nil {
		return nil, err
	}
	return &Trainer{Engine: e, Seed: c.Seed, opt: opt, grads: gradients{pool: e.o.Pool}, clip: c.ClipNorm,
		terms: c.LossTerms, totalSteps: totalSteps}, nil
}

// Hyperparameters are the optimizer's settings, defaults filled in.
func (t *Trainer) Hyperparameters() registry.Hyperparameters { return t.opt.Hypers }

// StateBytes is the size of the optimizer's state.
func (t *Trainer) StateBytes() int64 {
	var n int64
	for _, s := range t.opt.Slots {
		n += int64(len(s.Tensor.Data))
	}
	return n
}

// Step takes the mean gradient over the batches and updates the parameters. Nothing is updated when the loss or a
// gradient is not finite.
func (t *Trainer) Step(ctx context.Context, batches []*data.Batch) (StepResult, error) {
	r := StepResult{Step: t.step + 1}
	start := time.Now()
	var grads []*tensor.Tensor
	terms := 0
	var last *Program
	for i, batch := range batches {
		p, err := t.Engine.ProgramFor(batch, true)
		if err != nil {
			return r, err
		}
		// A step of several batches draws other random numbers for each.
		if err := p.Run(ctx, batch.Tensors, t.Seed+uint64(i)<<48, r.Step); err != nil {
			return r, fail(Internal, err)
		}
		loss := p.Loss()
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return r, failf(Diverged, "step %d: the loss is %v; nothing was updated. Try a smaller --lr, --warmup, or --clip-norm", r.Step, loss)
		}
		p.Commit()
		n := p.Built.LossTerms
		r.Loss += loss * float64(n)
		terms += n
		r.Examples += batch.Count
		r.Score.Add(p.score(batch))
		if grads = p.Grads; len(batches) > 1 {
			t.grads.add(p.Grads, n)
		}
		last = p
	}
	if len(batches) > 1 {
		grads = t.grads.mean()
	}
	r.Loss /= float64(terms)
	var bad int
	if r.GradNorm, bad = t.grads.norm(grads); bad >= 0 {
		return r, failf(Diverged, "step %d: the gradient of %q is not finite; no weight was updated. Try a smaller --lr, --warmup, or --clip-norm",
			r.Step, t.Engine.Params[bad].Name)
	}
	if t.clip > 0 && r.GradNorm > t.clip {
		t.grads.scale(grads, t.clip/r.GradNorm)
	}
	r.Compute = time.Since(start)
	start = time.Now()
	factor := t.opt.factor(r.Step, t.totalSteps)
	r.LR = t.opt.lr * factor
	err := t.opt.Step(registry.Context{Step: r.Step, LR: r.LR, WeightDecay: t.opt.wd, LossTerms: t.lossTerms(terms, r.Examples, last),
		Pool: t.Engine.o.Pool}, t.Engine.Values, grads)
	if err != nil {
		return r, fail(Diverged, err)
	}
	r.Update = time.Since(start)
	t.step++
	return r, nil
}

// lossTerms is what the optimizer is told: examples and positions, examples alone, or 1 as for a summed loss.
func (t *Trainer) lossTerms(terms, examples int, p *Program) int {
	switch {
	case t.terms == "sum":
		return 1
	case t.terms == "batch" || !slices.Contains([]string{"ce", "nll", pass.ModelLoss}, p.Built.LossKind):
		// A regression loss averages over outputs too, which are not examples.
		return examples
	default:
		return terms
	}
}

package train

import (
	"context"
	"fmt"
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

	opt    *optimizer
	grads  gradients
	before states           // the step
	state  watched          // of the optimizer
	eval   []*tensor.Tensor // scratch of withEvalWeights
	clip   float64
	terms  string // Config.LossTerms
	step   int

	otherFile bool // Config.ChangedOptimizer
}

// NewTrainer prepares the optimizer for a run of totalSteps updates.
func NewTrainer(e *Engine, c *Config, totalSteps int) (*Trainer, error) {
	opt, err := newOptimizer(c, e, totalSteps)
	if err != nil {
		return nil, err
	}
	return &Trainer{Engine: e, Seed: c.Seed, opt: opt, grads: gradients{pool: e.o.Pool}, before: newStates(e), state: watch(opt),
		clip: c.ClipNorm, terms: c.LossTerms, otherFile: c.ChangedOptimizer}, nil
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

// Step takes the mean gradient over the batches and updates the parameters. When the loss, a gradient or an updated
// weight is not finite the error is a NonFinite.
func (t *Trainer) Step(ctx context.Context, batches []*data.Batch) (StepResult, error) {
	r := StepResult{Step: t.step + 1}
	start := time.Now()
	t.before.save()
	t.opt.Keep(t.Engine.o.Pool, t.Engine.Values)
	grads, last, terms, err := t.gradient(ctx, batches, &r)
	if err != nil {
		t.before.undo()
		return r, err
	}
	if t.clip > 0 && r.GradNorm > t.clip {
		t.grads.scale(grads, t.clip/r.GradNorm)
	}
	r.Compute = time.Since(start)
	start = time.Now()
	c := registry.Context{Step: r.Step, LossTerms: t.lossTerms(terms, r.Examples, last), Pool: t.Engine.o.Pool}
	if t.opt.Undoable() {
		r.LR, err = t.updateOrUndo(c, grads)
		r.Update = time.Since(start)
		if err != nil {
			t.before.undo()
			return r, fail(Diverged, err)
		}
		t.step++
		return r, nil
	}
	r.LR, err = t.opt.update(c, t.Engine.Values, grads)
	r.Update = time.Since(start)
	if bad := t.spoiled(r.Step, err != nil || t.stateDue(r.Step)); bad != nil { // which would be behind an error of the update
		return r, fail(Diverged, bad)
	}
	if err != nil {
		return r, updateFault(err)
	}
	t.step++
	return r, nil
}

// gradient runs the batches and leaves loss, score and norm in r. terms is how many terms the loss averages over.
func (t *Trainer) gradient(ctx context.Context, batches []*data.Batch, r *StepResult) (grads []*tensor.Tensor, last *Program, terms int, err error) {
	t.grads.terms = 0 // of a step that was given up
	for i, batch := range batches {
		p, err := t.Engine.ProgramFor(batch, true)
		if err != nil {
			return nil, nil, 0, err
		}
		if err := p.Run(ctx, batch.Tensors, t.seed(i), r.Step); err != nil {
			return nil, nil, 0, err
		}
		loss := p.Loss()
		if !finite(loss) {
			return nil, nil, 0, fail(Diverged, &NonFinite{Step: r.Step, What: fmt.Sprintf("the loss is %v", loss), batch: i, param: -1})
		}
		p.Commit()
		if _, bad := t.grads.norm(t.before.floats); bad >= 0 {
			name := t.before.names[bad]
			return nil, nil, 0, fail(Diverged, &NonFinite{Step: r.Step, What: fmt.Sprintf("running statistic %q is not finite", name), batch: i, param: -1, state: name})
		}
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
		what := fmt.Sprintf("the gradient of %q is not finite", t.Engine.Params[bad].Name)
		return nil, nil, 0, fail(Diverged, &NonFinite{Step: r.Step, What: what, batch: -1, param: bad})
	}
	return grads, last, terms, nil
}

// seed is that of a step's i-th batch: each draws other random numbers.
func (t *Trainer) seed(i int) uint64 { return t.Seed + uint64(i)<<48 }

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

// Package bench times training steps of a model and kernels alone, and compares them with what the machine reaches at best.
package bench

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/train"
)

// Options say what to time and what to tell.
type Options struct {
	Steps   int  // to time whole
	Profile bool // list the nodes, with what bounds them
	Trace   bool // keep the nodes of some steps
}

// Result is the timing of training steps, in milliseconds where not said otherwise.
type Result struct {
	MSPerStep   float64 `json:"ms_per_step"` // median
	MSMin       float64 `json:"ms_min"`
	SamplesPerS float64 `json:"samples_per_s"`
	ForwardMS   float64 `json:"forward_ms"`
	BackwardMS  float64 `json:"backward_ms"`
	OptimizerMS float64 `json:"optimizer_ms"`
	PlanBytes   int64   `json:"plan_bytes"`
	RSSBytes    int64   `json:"rss_bytes"`
	GFLOPS      float64 `json:"gflops"` // 10^9 multiply or add operations of matrix products and convolutions a second
	Limits      *Limits `json:"limits,omitempty"`
	Nodes       []Node  `json:"nodes,omitempty"`
	Trace       *Trace  `json:"-"`
}

// Node is the time of one node of a step.
type Node struct {
	Name   string  `json:"name"`
	Op     string  `json:"op"`
	Kernel string  `json:"kernel"`
	Phase  string  `json:"phase"` // forward or backward
	MS     float64 `json:"ms"`    // median
	Rate
}

// warmUp is how many steps come before those that are timed.
const warmUp = 3

// Run times training steps of s on one batch, after a few to warm up. Nodes are listed slowest first.
func Run(ctx context.Context, s *train.Session, o Options) (*Result, error) {
	trainer, err := train.NewTrainer(s.Engine, &s.Config, warmUp+o.Steps+recordedSteps)
	if err != nil {
		return nil, err
	}
	count := min(s.Config.Batch, s.Train.Len())
	it := data.NewLoader(s.Train, data.LoaderOptions{Batch: count, Workers: 1}).Epoch(ctx, 0, 0)
	defer it.Close()
	batch, err := it.Next()
	if err != nil {
		return nil, err
	}
	total, update, err := timed(ctx, trainer, batch, o.Steps)
	if err != nil {
		return nil, err
	}
	p, err := s.Engine.ProgramFor(batch, true)
	if err != nil {
		return nil, err
	}
	steps, err := record(ctx, trainer, p, batch)
	if err != nil {
		return nil, err
	}
	r := &Result{MSPerStep: median(total), MSMin: slices.Min(total), OptimizerMS: median(update),
		PlanBytes: p.Memory().Total() + trainer.StateBytes(), RSSBytes: memory.Now().Resident}
	r.SamplesPerS = float64(count) / r.MSPerStep * 1e3
	nodes := typical(steps)
	r.split(nodes)
	if o.Profile || o.Trace {
		r.Limits = MeasureLimits(s.Pool)
	}
	if o.Profile {
		r.list(nodes)
	}
	if o.Trace {
		r.Trace = &Trace{steps, about{s.Config.Model, s.Config.Opt, count, s.Config.DType, r.Limits}, updateOf(s, trainer)}
	}
	return r, nil
}

// timed gives the milliseconds of steps, and of their updates alone.
func timed(ctx context.Context, trainer *train.Trainer, batch *data.Batch, steps int) (total, update []float64, err error) {
	for i := range warmUp + steps {
		r, err := trainer.Step(ctx, []*data.Batch{batch})
		if err != nil {
			return nil, nil, err
		}
		if i >= warmUp {
			total = append(total, ms(r.Compute+r.Update))
			update = append(update, ms(r.Update))
		}
	}
	return total, update, nil
}

// split divides the time of forward and backward by the nodes' shares.
func (r *Result) split(nodes []backend.NodeTime) {
	var forward, all, flops float64
	for _, t := range nodes {
		all += float64(t.Nanoseconds)
		if phase(t.Node) == "forward" {
			forward += float64(t.Nanoseconds)
		}
		flops += FLOPs(t.Node)
	}
	compute := r.MSPerStep - r.OptimizerMS
	r.ForwardMS = compute * forward / max(all, 1)
	r.BackwardMS = compute - r.ForwardMS
	r.GFLOPS = flops / (r.MSPerStep * 1e6)
}

// list sets Nodes.
func (r *Result) list(nodes []backend.NodeTime) {
	for _, t := range nodes {
		ns := float64(t.Nanoseconds)
		r.Nodes = append(r.Nodes, Node{t.Node.Name, t.Node.Op.Type, t.Kernel, phase(t.Node), ns / 1e6, r.Limits.rate(t.Node, ns)})
	}
	slices.SortStableFunc(r.Nodes, func(a, b Node) int { return cmp.Compare(b.MS, a.MS) })
}

func updateOf(s *train.Session, trainer *train.Trainer) updateArgs {
	u := updateArgs{Optimizer: s.Config.Opt, Parameters: len(s.Engine.Params), StateBytes: trainer.StateBytes()}
	for _, p := range s.Engine.Params {
		u.Elements += p.Shape.Elems()
	}
	return u
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

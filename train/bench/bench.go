// Package bench times training steps of a model.
package bench

import (
	"context"
	"slices"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/train"
)

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
	Nodes       []Node  `json:"nodes,omitempty"`
}

// Node is the time of one node of a step.
type Node struct {
	Name   string  `json:"name"`
	Op     string  `json:"op"`
	Kernel string  `json:"kernel"`
	MS     float64 `json:"ms"`
	GFLOPS float64 `json:"gflops,omitempty"`
}

// Run times steps training steps of s on one batch, after a few to warm up. With profile it lists the nodes, slowest
// first.
func Run(ctx context.Context, s *train.Session, steps int, profile bool) (*Result, error) {
	trainer, err := train.NewTrainer(s.Engine, &s.Config, steps+3)
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
	var total, update []float64
	for i := range steps + 3 {
		r, err := trainer.Step(ctx, []*data.Batch{batch})
		if err != nil {
			return nil, err
		}
		if i >= 3 {
			total = append(total, ms(r.Compute+r.Update))
			update = append(update, ms(r.Update))
		}
	}
	p, err := s.Engine.Program(count, true)
	if err != nil {
		return nil, err
	}
	r := &Result{MSPerStep: median(total), MSMin: slices.Min(total), OptimizerMS: median(update),
		PlanBytes: p.Memory().Total() + trainer.StateBytes(), RSSBytes: memory.Now().Resident}
	r.SamplesPerS = float64(count) / r.MSPerStep * 1e3
	return r, r.split(ctx, p, profile)
}

// split divides the time of forward and backward by the nodes' shares of a profiled run.
func (r *Result) split(ctx context.Context, p *train.Program, profile bool) error {
	times, err := p.Profile(ctx)
	if err != nil {
		return err
	}
	var forward, all, flops float64
	for _, t := range times {
		all += float64(t.Nanoseconds)
		if t.Node.Origin == nil {
			forward += float64(t.Nanoseconds)
		}
		f := FLOPs(t.Node)
		flops += f
		if profile {
			n := Node{Name: t.Node.Name, Op: t.Node.Op.Type, Kernel: t.Kernel, MS: float64(t.Nanoseconds) / 1e6}
			if f > 0 {
				n.GFLOPS = f / float64(max(t.Nanoseconds, 1))
			}
			r.Nodes = append(r.Nodes, n)
		}
	}
	compute := r.MSPerStep - r.OptimizerMS
	r.ForwardMS = compute * forward / max(all, 1)
	r.BackwardMS = compute - r.ForwardMS
	r.GFLOPS = flops / (r.MSPerStep * 1e6)
	slices.SortStableFunc(r.Nodes, func(a, b Node) int {
		switch {
		case a.MS > b.MS:
			return -1
		case a.MS < b.MS:
			return 1
		}
		return 0
	})
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

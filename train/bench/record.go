package bench

import (
	"context"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/train"
)

// recordedSteps is how many steps are timed node by node, after those that are timed whole.
const recordedSteps = 3

// recorder is a program that keeps the times of the nodes of its last run.
type recorder struct {
	backend.Program
	begin time.Time // of the run
	nodes []backend.NodeTime
}

// Run implements backend.Program.
func (r *recorder) Run(ctx context.Context) (err error) {
	r.begin = time.Now()
	r.nodes, err = r.Profile(ctx)
	return err
}

// recorded is a training step in nanoseconds after its begin; Start of nodes is too.
type recorded struct {
	number         int       // of the step
	start          time.Time // of the step
	update, length int64     // begin of the optimizer's update, and how long it took
	end            int64
	nodes          []backend.NodeTime
}

// record makes training steps of p, which trainer runs for the batch, timed node by node.
func record(ctx context.Context, trainer *train.Trainer, p *train.Program, batch *data.Batch) ([]recorded, error) {
	r := &recorder{Program: p.Program}
	p.Program = r
	defer func() { p.Program = r.Program }()
	var steps []recorded
	for range recordedSteps {
		start := time.Now()
		result, err := trainer.Step(ctx, []*data.Batch{batch})
		if err != nil {
			return nil, err
		}
		s := recorded{number: result.Step, start: start, end: time.Since(start).Nanoseconds(), nodes: r.nodes,
			update: result.Compute.Nanoseconds(), length: result.Update.Nanoseconds()}
		for i := range s.nodes {
			s.nodes[i].Start += r.begin.Sub(start).Nanoseconds()
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// phase is the part of a step that a node belongs to.
func phase(n *graph.Node) string {
	if n.Origin == nil {
		return "forward"
	}
	return "backward"
}

// typical are the nodes with the medians of their times over several steps.
func typical(steps []recorded) []backend.NodeTime {
	nodes := make([]backend.NodeTime, len(steps[0].nodes))
	for i := range nodes {
		var times []float64
		for _, s := range steps {
			times = append(times, float64(s.nodes[i].Nanoseconds))
		}
		nodes[i] = steps[0].nodes[i]
		nodes[i].Nanoseconds = int64(median(times))
	}
	return nodes
}

package cpu

import (
	"context"
	"fmt"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Run implements backend.Program.
func (p *program) Run(ctx context.Context) error { return p.run(ctx, nil) }

// Profile implements backend.Program.
func (p *program) Profile(ctx context.Context) ([]backend.NodeTime, error) {
	times := make([]backend.NodeTime, len(p.steps))
	err := p.run(ctx, times)
	return times, err
}

// run calls every step once. A panic becomes an error of the node, so that a bug that bad data find cannot end the process.
func (p *program) run(ctx context.Context, times []backend.NodeTime) (err error) {
	at := 0
	begin := time.Now()
	defer func() {
		if r := recover(); r != nil {
			err = graph.Errorf(p.steps[at].node, "%w in kernel %s: %v", backend.ErrPanic, p.steps[at].kernel, r)
		}
	}()
	for ; at < len(p.steps); at++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &p.steps[at]
		start := time.Time{}
		if times != nil {
			start = time.Now()
		}
		if s.run != nil {
			if err := s.run(); err != nil {
				return graph.At(s.node, err)
			}
		}
		if times != nil {
			times[at] = backend.NodeTime{Node: s.node, Kernel: s.kernel, Start: start.Sub(begin).Nanoseconds(),
				Nanoseconds: time.Since(start).Nanoseconds()}
		}
	}
	return nil
}

// Commit implements backend.Program.
func (p *program) Commit() {
	for _, u := range p.updates {
		copy(u.stage, u.from)
	}
	for _, u := range p.updates {
		if u.stage != nil {
			u.from = u.stage
		}
		copy(u.to, u.from)
	}
}

// Tensor implements backend.Program.
func (p *program) Tensor(v *graph.Value) *tensor.Tensor {
	if v.ID >= len(p.tensors) || !p.visible[v.ID] {
		return nil
	}
	return p.tensors[v.ID]
}

// Kernel implements backend.Program.
func (p *program) Kernel(n *graph.Node) string { return p.kernels[n] }

// Memory implements backend.Program.
func (p *program) Memory() backend.Plan { return p.plan }

// Close implements backend.Program. Tensors in the arena are empty afterwards, so that a late use panics instead of
// touching memory that is gone.
func (p *program) Close() error {
	if p.memory == nil {
		return nil
	}
	for _, t := range p.inArena {
		t.Data = nil
	}
	memory := p.memory
	p.memory, p.steps, p.updates = nil, nil, nil
	if err := release(memory); err != nil {
		return fmt.Errorf("releasing the arena: %w", err)
	}
	return nil
}

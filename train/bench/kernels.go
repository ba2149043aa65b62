package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Kernel is the time of one operator call at sizes that models have.
type Kernel struct {
	Name   string  `json:"name"`
	Kernel string  `json:"kernel"` // what ran it
	MS     float64 `json:"ms"`     // median
	Rate
}

// Kernels times operators at the sizes of image and language models, runs times each after one to warm up, with those values in
// bf16 that are in a step of that type. In float32 it also times the other registered kernels, on samples that are made larger;
// rest are those that neither reaches: they run on other types, instruction sets or inside of larger graphs.
func Kernels(ctx context.Context, pool *par.Pool, l *Limits, dt tensor.DType, runs int) (list []Kernel, rest []string, err error) {
	t := timer{pool, l, runs}
	reached := map[string]bool{}
	for _, c := range kernelCalls() {
		k, err := t.call(ctx, c, dt)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.name, err)
		}
		list = append(list, k)
		reached[k.Kernel] = true
	}
	if dt != tensor.Float32 {
		return list, nil, nil
	}
	for _, kernel := range cpu.Registered() {
		if reached[kernel.Name] {
			continue
		}
		k, ok := t.kernel(ctx, kernel)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if ok {
			list = append(list, k)
		} else {
			rest = append(rest, kernel.Name)
		}
	}
	return list, rest, nil
}

// timer times programs of one node.
type timer struct {
	pool   *par.Pool
	limits *Limits
	runs   int
}

// callTime is how long a call is repeated at most, but for its last run.
const callTime = time.Second / 2

func (t timer) node(ctx context.Context, name string, p backend.Program, n *graph.Node) (Kernel, error) {
	if err := p.Run(ctx); err != nil {
		return Kernel{}, err
	}
	var times []float64
	for begin := time.Now(); len(times) < t.runs && (len(times) == 0 || time.Since(begin) < callTime); {
		start := time.Now()
		if err := p.Run(ctx); err != nil {
			return Kernel{}, err
		}
		times = append(times, ms(time.Since(start)))
	}
	typical := median(times)
	return Kernel{Name: name, Kernel: p.Kernel(n), MS: typical, Rate: t.limits.rate(n, typical*1e6)}, nil
}

func (t timer) call(ctx context.Context, c kernelCall, dt tensor.DType) (Kernel, error) {
	g, err := c.graph(dt)
	if err != nil {
		return Kernel{}, err
	}
	p, err := t.compile(g)
	if err != nil {
		return Kernel{}, err
	}
	defer p.Close()
	for i, v := range g.Inputs {
		c.fill(p.Tensor(v), uint64(i+1))
	}
	return t.node(ctx, c.name, p, g.Nodes[0])
}

func (t timer) compile(g *graph.Graph) (backend.Program, error) {
	b, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	return b.Compile(g, backend.Options{Pool: t.pool})
}

package cpu

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// chain is x -> Mix -> Mix -> … of n nodes, each with the parameter w.
func chain(t *testing.T, n int) (g *graph.Graph, x, w, y *graph.Value) {
	t.Helper()
	g = graph.New("chain")
	typ := graph.Type{DType: tensor.Float32, Shape: tensor.Shape{1000}}
	x = g.NewValue("x", graph.Input, typ)
	w = g.NewValue("w", graph.Param, typ)
	w.Init = op.Uniform(1, -1, 1, 1000)
	y = x
	for range n {
		y = build(t, g, "Mix", nil, y, w)
	}
	g.Outputs = []*graph.Value{y}
	return g, x, w, y
}

func build(t *testing.T, g *graph.Graph, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	t.Helper()
	out, err := op.Build(g, nil, testDomain, typ, attrs, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func TestChainRunsInPlaceWithoutAllocation(t *testing.T) {
	g, x, w, y := chain(t, 50)
	p, err := engine{}.Compile(g, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if m := p.Memory(); m.ArenaBytes != 2*4032 || m.NoReuseBytes != 51*4032 || m.ParamBytes != 4000 {
		t.Errorf("plan %+v, want the input and one value in the arena", m)
	}
	copy(p.Tensor(x).Data, op.Uniform(2, -1, 1, 1000).Data)
	ctx := context.Background()
	if allocs := testing.AllocsPerRun(20, func() {
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		p.Commit()
	}); allocs != 0 {
		t.Errorf("%v allocations per run", allocs)
	}
	want, err := op.Evaluate(g, map[*graph.Value]*tensor.Tensor{x: p.Tensor(x)})
	if err != nil {
		t.Fatal(err)
	}
	if string(want[y.ID].Data) != string(p.Tensor(y).Data) {
		t.Error("the result is not the reference's")
	}
	if p.Tensor(g.Nodes[0].Out[0]) != nil {
		t.Error("an intermediate value shows")
	}
	if &w.Init.Data[0] == &p.Tensor(w).Data[0] {
		t.Error("a parameter shares the memory of its initial value")
	}
	if p.Kernel(g.Nodes[0]) != "test/mix" {
		t.Errorf("kernel %q", p.Kernel(g.Nodes[0]))
	}
	times, err := p.Profile(ctx)
	if err != nil || len(times) != 50 || times[49].Node != g.Nodes[49] {
		t.Errorf("profile of %d nodes, %v", len(times), err)
	}
	for i := 1; i < len(times); i++ {
		if before := times[i-1]; times[i].Start < before.Start+before.Nanoseconds {
			t.Errorf("node %d begins at %d, the one before it at %d and takes %d", i, times[i].Start, before.Start, before.Nanoseconds)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	g, _, w, _ := chain(t, 3)
	open, x, _, _ := chain(t, 1)
	x.Type.Shape = tensor.Shape{-1}
	for _, c := range []struct {
		name string
		g    *graph.Graph
		o    backend.Options
		want string
	}{
		{"a plan above the limit", g, backend.Options{MaxBytes: 10000}, "it takes 12064 bytes"},
		{"a node above the limit", g, backend.Options{MaxBytes: 5000}, `node "Mix_0" (backend/cpu/test::Mix-1): the memory plan is larger than the limit: ` +
			"what it reads and writes takes 8000 bytes"},
		{"memory of another shape", g, backend.Options{Memory: func(v *graph.Value) *tensor.Tensor { return tensor.New(tensor.Float32, 3) }},
			`param "w" has type float32[1000]`},
		{"an open dimension", open, backend.Options{}, `value "x" has type float32[-1]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := (engine{}).Compile(c.g, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	shared := w.Init.Clone()
	p, err := engine{}.Compile(g, backend.Options{Memory: func(*graph.Value) *tensor.Tensor { return shared }, MaxBytes: 12064})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Tensor(w) != shared {
		t.Error("the parameter does not live in the memory given for it")
	}
}

func TestRunNamesTheNodeThatFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		attrs graph.Attrs
		want  string
	}{
		{"error", graph.MakeAttrs("error", 1), `node "Fault_1" (backend/cpu/test::Fault-1): asked to fail`},
		{"panic", nil, `node "Fault_1" (backend/cpu/test::Fault-1): panic in kernel reference: runtime error: index out of range`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, _, _, y := chain(t, 1)
			build(t, g, "Fault", c.attrs, y)
			p, err := engine{}.Compile(g, backend.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Run(context.Background()); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %s…", err, c.want)
			}
		})
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	g, _, _, _ := chain(t, 1)
	p, err := engine{}.Compile(g, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCommitLeavesResultsAlone(t *testing.T) {
	g := graph.New("view of a state")
	a := g.NewValue("a", graph.State, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{1}})
	a.Init = tensor.Vector[float32](1)
	y := build(t, g, "View", nil, a)
	g.Outputs = []*graph.Value{y}
	g.Updates = []graph.Update{{State: a, Value: build(t, g, "Mix", nil, a, a)}}
	p, err := engine{}.Compile(g, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.Commit()
	if p.Tensor(y).F32()[0] != 1 || p.Tensor(a).F32()[0] != 0.25 {
		t.Errorf("y = %v, a = %v", p.Tensor(y).F32(), p.Tensor(a).F32())
	}
}

func TestCommitExchangesStates(t *testing.T) {
	g := graph.New("exchange")
	state := func(name string, x float32) *graph.Value {
		v := g.NewValue(name, graph.State, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{1}})
		v.Init = tensor.Vector(x)
		return v
	}
	a, b := state("a", 1), state("b", 2)
	g.Updates = []graph.Update{{State: a, Value: b}, {State: b, Value: a}}
	p, err := engine{}.Compile(g, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.Commit()
	if p.Tensor(a).F32()[0] != 2 || p.Tensor(b).F32()[0] != 1 {
		t.Errorf("a = %v, b = %v", p.Tensor(a).F32(), p.Tensor(b).F32())
	}
	if a.Init.F32()[0] != 1 {
		t.Error("the initial value changed")
	}
}

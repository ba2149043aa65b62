package cpu

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Operators of the tests' own, so that planning is tested apart from real kernels.
const testDomain = "backend/cpu/test"

func like(n *graph.Node) error {
	for _, v := range n.Out {
		if v != nil {
			v.Type = n.In[0].Type
		}
	}
	return nil
}

func mix(in, out []*tensor.Tensor) error {
	for i, a := range in[0].F32() {
		b := in[len(in)-1].F32()[i]
		for k, t := range out {
			if t != nil {
				t.F32()[i] = 0.75*a - float32(k+1)*0.5*b
			}
		}
	}
	return nil
}

// cross reads its second input backwards, so that it must not lie over the output.
func cross(a, b, y []float32) {
	for i := range y {
		y[i] = a[i] - 0.5*b[len(b)-1-i]
	}
}

func init() {
	evalMix := func(_ *graph.Node, in, out []*tensor.Tensor) error { return mix(in, out) }
	for _, typ := range []string{"Mix", "MixReference"} {
		op.Register(op.Def{Domain: testDomain, Type: typ, Since: 1, Infer: like, Eval: evalMix})
	}
	op.Register(op.Def{Domain: testDomain, Type: "Cross", Since: 1, Infer: like,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			cross(in[0].F32(), in[1].F32(), out[0].F32())
			return nil
		}})
	Register(Kernel{Name: "test/cross", Op: graph.OpID{Domain: testDomain, Type: "Cross"}, InPlace: []int{0},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			a, b, y := in[0].F32(), in[1].F32(), out[0].F32()
			return func() error { cross(a, b, y); return nil }, nil
		}})
	op.Register(op.Def{Domain: testDomain, Type: "View", Since: 1, View: true,
		Infer: func(n *graph.Node) error {
			n.Out[0].Type = graph.Type{DType: tensor.Float32, Shape: tensor.Shape{n.In[0].Type.Shape.Elems()}}
			return nil
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error { copy(out[0].Data, in[0].Data); return nil }})
	op.Register(op.Def{Domain: testDomain, Type: "Fault", Since: 1, Infer: like,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			if n.Attrs.Has("error") {
				return fmt.Errorf("asked to fail")
			}
			out[0].F32()[len(out[0].F32())] = 1
			return nil
		}})
	Register(Kernel{Name: "test/mix", Op: graph.OpID{Domain: testDomain, Type: "Mix"}, InPlace: []int{0, 1},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			a, b, y := in[0].F32(), in[len(in)-1].F32(), out[0].F32()
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					y[i] = 0.75*a[i] - 0.5*b[i]
				}
			}
			return func() error { s.Pool.For(len(y), 7, body); return nil }, nil
		},
		When: func(n *graph.Node) bool { return len(n.Out) == 1 },
	})
	Register(Kernel{Name: "test/mix two", Op: graph.OpID{Domain: testDomain, Type: "Mix"},
		InPlace: []int{1, 0}, AlsoInPlace: [][2]int{{1, 1}, {1, 0}},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			a, b, y, z := in[0].F32(), in[len(in)-1].F32(), out[0].F32(), out[1].F32()
			return func() error {
				for i := range y {
					z[i], y[i] = 0.75*a[i]-b[i], 0.75*a[i]-0.5*b[i]
				}
				return nil
			}, nil
		},
		When: func(n *graph.Node) bool { return len(n.Out) == 2 && n.Out[0] != nil && n.Out[1] != nil },
	})
}

// randomGraph has values of a few sizes, views, several outputs, dead values, kept values and updates.
func randomGraph(t *rapid.T) (g *graph.Graph, keep []*graph.Value) {
	g = graph.New("random")
	bySize := map[int][]*graph.Value{}
	sizes := []int{1, 5, 16, 300}
	for i, size := range sizes {
		typ := graph.Type{DType: tensor.Float32, Shape: tensor.Shape{size}}
		for k, kind := range []graph.Kind{graph.Input, graph.Param, graph.State, graph.State, graph.Const} {
			v := g.NewValue("", kind, typ)
			v.Init = op.Uniform(uint64(10*i+k), -1, 1, size)
			bySize[size] = append(bySize[size], v)
		}
	}
	for range rapid.IntRange(1, 40).Draw(t, "nodes") {
		size := rapid.SampledFrom(sizes).Draw(t, "size")
		pick := func() *graph.Value { return rapid.SampledFrom(bySize[size]).Draw(t, "input") }
		in := []*graph.Value{pick()}
		typ, outs := rapid.SampledFrom([]string{"Mix", "Mix", "Cross", "MixReference", "View"}).Draw(t, "op"), 1
		if typ != "View" {
			in = append(in, pick())
		}
		if typ == "Mix" || typ == "MixReference" {
			outs = rapid.IntRange(1, 2).Draw(t, "outs")
		}
		out, err := op.Build(g, nil, testDomain, typ, nil, outs, in...)
		if err != nil {
			t.Fatal(err)
		}
		bySize[size] = append(bySize[size], out...)
		if rapid.IntRange(0, 9).Draw(t, "keep") == 0 {
			keep = append(keep, out[0])
		}
	}
	for _, size := range sizes {
		for _, state := range bySize[size][2:4] {
			if rapid.Bool().Draw(t, "update") {
				g.Updates = append(g.Updates, graph.Update{State: state, Value: rapid.SampledFrom(bySize[size]).Draw(t, "value")})
			}
		}
		g.Outputs = append(g.Outputs, bySize[size][len(bySize[size])-1])
	}
	return g, keep
}

func TestPlanKeepsLiveValuesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, keep := randomGraph(t)
		o := backend.Options{Keep: keep}
		chosen := chooseKernels(g, o)
		l := makeLayout(g, o, chosen)
		if want := peak(l.order); l.arena < want || l.arena > l.naive {
			t.Fatalf("arena of %d bytes, between %d and %d are possible", l.arena, want, l.naive)
		}
		last := lastReads(g, keep)
		// holder is what each byte range was last written for.
		live := map[*graph.Value]int{}
		for _, v := range g.OfKind(graph.Input) {
			live[v] = never
		}
		for i, n := range g.Nodes {
			for v, until := range live {
				if until < i {
					delete(live, v)
				}
			}
			for _, v := range n.Out {
				for other, until := range live {
					a, b := l.blocks[l.home[v.ID]], l.blocks[l.home[other.ID]]
					if a == nil || b == nil || a.offset+a.size <= b.offset || b.offset+b.size <= a.offset {
						continue
					}
					if op.IsView(n) && l.home[v.ID] == l.home[other.ID] {
						continue
					}
					if chosen[i] != nil && until == i && l.home[v.ID] == l.home[other.ID] {
						continue // taken over in place
					}
					t.Fatalf("node %d writes %v over %v, which is read until %d", i, v, other, until)
				}
				live[v] = max(i, last[v.ID])
			}
		}
	})
}

func TestReuseGivesTheSameBits(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	rapid.Check(t, func(t *rapid.T) {
		g, keep := randomGraph(t)
		var results [3][][]byte
		for i, o := range []backend.Options{{Keep: keep}, {Keep: keep, NoReuse: true}, {Keep: keep, Pool: pool}} {
			p, err := engine{}.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range g.OfKind(graph.Input) {
				copy(p.Tensor(v).Data, v.Init.Data)
			}
			for range 3 {
				if err := p.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				for _, v := range append(append([]*graph.Value{}, g.Outputs...), keep...) {
					results[i] = append(results[i], bytes.Clone(p.Tensor(v).Data))
				}
				p.Commit()
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range results[0] {
			if !bytes.Equal(results[0][i], results[1][i]) || !bytes.Equal(results[0][i], results[2][i]) {
				t.Fatalf("result %d differs", i)
			}
		}
	})
}

// An output that nobody reads is written like others: a second one must not lie over it.
func TestOutputsShareNoInput(t *testing.T) {
	g := graph.New("two outputs")
	typ := graph.Type{DType: tensor.Float32, Shape: tensor.Shape{16}}
	x := g.NewValue("x", graph.Input, typ)
	g.Inputs = append(g.Inputs, x)
	build := func(outs int, in ...*graph.Value) []*graph.Value {
		out, err := op.Build(g, nil, testDomain, "Mix", nil, outs, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := build(2, x, build(1, x, x)[0])
	g.Outputs = append(g.Outputs, out[1])
	l := makeLayout(g, backend.Options{}, chooseKernels(g, backend.Options{}))
	if l.home[out[0].ID] == l.home[out[1].ID] {
		t.Error("two outputs have the memory of one input")
	}
	if l.home[out[0].ID] != g.Nodes[0].Out[0] {
		t.Error("an input that dies is not taken over")
	}
}

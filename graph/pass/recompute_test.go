package pass

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// trained is what write makes of a parameter x of shape [8, 8], the mean of its square as the loss, and the gradient.
func trained(t interface{ Fatal(...any) }, write func(s normSketch, x *graph.Value) *graph.Value) *Built {
	s := normSketch{typedSketch{newSketch()}}
	x := s.param("x", 1, 8, 8)
	y := write(s, x)
	b := &Built{Graph: s.Graph, Output: s.op("Mul", nil, y, y), Params: []*graph.Value{x}}
	b.Loss = s.op("ReduceMean", graph.MakeAttrs("keepdims", 0), b.Output)
	b.Loss.Name = "loss"
	for _, run := range []func(*Built, *Options) error{gradient, clean} {
		if err := run(b, &Options{Training: true}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// named is op with a name for the result.
func (s normSketch) named(name, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	v := s.op(typ, attrs, in...)
	v.Name = name
	return v
}

// tanhs is one Tanh after the other, of which the gradient reads the results, with one letter for each.
func (s normSketch) tanhs(x *graph.Value, names string) *graph.Value {
	for _, name := range strings.Split(names, "") {
		x = s.named(name, "Tanh", nil, x)
	}
	return x
}

func TestSegments(t *testing.T) {
	rows := graph.MakeAttrs("axes", []int{1}, "keepdims", 1)
	for _, c := range []struct {
		name  string
		count int
		write func(s normSketch, x *graph.Value) *graph.Value
		kept  string
	}{
		{"a chain in three", 3, func(s normSketch, x *graph.Value) *graph.Value { return s.tanhs(x, "abcdefghi") }, "c f"},
		{"a chain in two", 2, func(s normSketch, x *graph.Value) *graph.Value { return s.tanhs(x, "abcdef") }, "c"},
		{"more segments than nodes", 100, func(s normSketch, x *graph.Value) *graph.Value { return s.tanhs(x, "abc") }, "a b c"},
		{"where it is narrow", 2, func(s normSketch, x *graph.Value) *graph.Value {
			c := s.named("c", "ReduceMean", rows, s.tanhs(x, "ab"))
			return s.tanhs(s.named("d", "Add", nil, c, s.weight("w", 8, 8)), "ef")
		}, "c"},
		{"around a residual", 2, func(s normSketch, x *graph.Value) *graph.Value {
			a := s.tanhs(x, "a")
			d := s.named("d", "Add", nil, a, s.tanhs(a, "bcy"))
			return s.named("g", "Add", nil, d, s.tanhs(d, "efh"))
		}, "d"},
		{"a value that crosses a border", 2, func(s normSketch, x *graph.Value) *graph.Value {
			a := s.tanhs(x, "a")
			return s.named("z", "Add", nil, a, s.tanhs(a, "bcdefg"))
		}, "a d"},
		{"a view and its source", 2, func(s normSketch, x *graph.Value) *graph.Value {
			v := s.named("v", "Reshape", nil, s.tanhs(x, "ab"), s.ints(64))
			return s.tanhs(v, "cd")
		}, "b v"},
		{"a statistic", 2, func(s normSketch, x *graph.Value) *graph.Value {
			a := s.tanhs(x, "a")
			m := s.named("m", "ReduceMean", graph.MakeAttrs("keepdims", 1), a)
			return s.tanhs(s.named("b", "Mul", nil, a, m), "cde")
		}, "c m"},
		{"a draw that goes by the node's name", 2, func(s normSketch, x *graph.Value) *graph.Value {
			return s.tanhs(s.named("b", "Mul", nil, x, s.named("u", "RandomUniformLike", nil, x)), "cdef")
		}, "d u"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := trained(t, c.write)
			r, err := newRecomputation(b)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			kept := r.segments(c.count)
			for _, v := range b.Graph.Values {
				if r.maker[v.ID] >= 0 && kept[r.root[v.ID]] && len(v.Name) == 1 && v.Name != "x" {
					got = append(got, v.Name)
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, " "); s != c.kept {
				t.Errorf("kept are %q, want %q", s, c.kept)
			}
		})
	}
}

// A chain of n equal values needs about twice the root of n of them, when all but the last segment's are made again.
func TestChainTakesTheRoot(t *testing.T) {
	b := trained(t, func(s normSketch, x *graph.Value) *graph.Value {
		for range 100 {
			x = s.op("Tanh", nil, x)
		}
		return x
	})
	r, err := newRecomputation(b)
	if err != nil {
		t.Fatal(err)
	}
	const size = 8 * 8 * 4
	kept := r.choose()
	copies := 0
	for _, s := range r.order(kept) {
		if s.again {
			copies++
		}
	}
	if peak := r.peak(kept) / size; peak > 25 || copies == 0 || copies > 90 {
		t.Errorf("a peak of %d values with %d made again", peak, copies)
	}
}

// A model that is too small for anything to be gained stays as it is.
func TestNothingToGain(t *testing.T) {
	write := func(s normSketch, x *graph.Value) *graph.Value { return s.tanhs(x, "a") }
	b := trained(t, write)
	if err := recompute(b, &Options{Recompute: true}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.Graph.String(), trained(t, write).Graph.String(); got != want {
		t.Errorf("the graph became\n%swas\n%s", got, want)
	}
}

// drawnNetwork has values of two sizes, residuals, views, norms that update statistics, and dropout.
func drawnNetwork(t *rapid.T) *Built {
	return trained(t, func(s normSketch, x *graph.Value) *graph.Value {
		rng := s.input(RNGInput, tensor.Int64, 2)
		all := []*graph.Value{x}
		for i := range rapid.IntRange(1, 20).Draw(t, "nodes") {
			pick := func() *graph.Value { return all[max(len(all)-1-rapid.IntRange(0, 3).Draw(t, "back"), 0)] }
			a := pick()
			var y *graph.Value
			switch rapid.IntRange(0, 6).Draw(t, "op") {
			case 0:
				y = s.op("Add", nil, a, pick())
			case 1:
				y = s.op("Mul", nil, a, pick())
			case 2:
				y = s.op("Reshape", nil, s.op("Reshape", nil, a, s.ints(4, 16)), s.ints(8, 8))
			case 3:
				out, err := op.Build(s.Graph, nil, op.Internal, "Dropout", graph.MakeAttrs("ratio", 0.25, "key", i), 1, a, rng)
				if err != nil {
					t.Fatal(err)
				}
				y = out[0]
			case 4:
				image := s.op("Reshape", nil, s.op("Slice", nil, a, s.ints(0), s.ints(6), s.ints(0)), s.ints(4, 3, 4))
				y = s.op("Add", nil, a, s.op("ReduceMean", graph.MakeAttrs("keepdims", 0), s.norm(image)))
			case 5:
				rows := s.op("MatMul", nil, s.op("Reshape", nil, a, s.ints(2, 4, 8)), pick()) // whose gradient takes views of both
				y = s.op("Reshape", nil, rows, s.ints(8, 8))
			default:
				y = s.op("Tanh", nil, a)
			}
			all = append(all, y)
		}
		return all[len(all)-1]
	})
}

// bits evaluates loss, gradients and running statistics.
func bits(t *rapid.T, b *Built) [][]byte {
	feed := map[*graph.Value]*tensor.Tensor{}
	for _, v := range b.Graph.Inputs {
		feed[v] = tensor.Vector[int64](3, 5)
	}
	values, err := op.Evaluate(b.Graph, feed)
	if err != nil {
		t.Fatal(err)
	}
	all := [][]byte{values[b.Loss.ID].Data}
	for _, v := range b.Grads {
		all = append(all, values[v.ID].Data)
	}
	for _, u := range b.Graph.Updates {
		all = append(all, values[u.Value.ID].Data)
	}
	return all
}

// measured is the peak of a graph, found by asking of every value at every node whether it lives.
func measured(b *Built, r *recomputation) int {
	first, last, size := map[*graph.Value]int{}, map[*graph.Value]int{}, map[*graph.Value]int{}
	root := map[*graph.Value]*graph.Value{}
	home := func(v *graph.Value) *graph.Value {
		for root[v] != nil {
			v = root[v]
		}
		return v
	}
	for i, n := range b.Graph.Nodes {
		for _, v := range n.In {
			if v != nil {
				last[home(v)] = i
			}
		}
		for _, v := range n.Out {
			if op.IsView(n) {
				root[v] = n.In[0]
			} else if v != nil {
				first[v], size[v] = i, v.Type.Shape.Elems()*v.Type.DType.Size()
			}
		}
	}
	most := 0
	for i := range b.Graph.Nodes {
		now := 0
		for v, from := range first {
			if from <= i && (i <= max(last[v], from) || v.ID < len(r.final) && r.final[v.ID]) {
				now += size[v]
			}
		}
		most = max(most, now)
	}
	return most
}

// Whatever is made again, results keep their bits, the graph its rules, and the peak is the one that was foreseen.
func TestAnyChoiceGivesTheSameBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawnNetwork(t)
		want := bits(t, b)
		r, err := newRecomputation(b)
		if err != nil {
			t.Fatal(err)
		}
		kept := slices.Clone(r.fixed)
		if rapid.Bool().Draw(t, "chosen") {
			kept = r.choose()
		} else {
			for i := range kept {
				kept[i] = kept[i] || rapid.Bool().Draw(t, "kept")
			}
		}
		peak, nodes, forward := r.peak(kept), len(b.Graph.Nodes), r.forward
		r.apply(kept)
		if err := b.Graph.Check(); err != nil {
			t.Fatal(err)
		}
		if len(b.Graph.Nodes) > nodes+forward {
			t.Fatalf("%d nodes became %d", nodes, len(b.Graph.Nodes))
		}
		names := map[string]bool{}
		for _, n := range b.Graph.Nodes {
			if names[n.Name] {
				t.Fatalf("two nodes are called %q", n.Name)
			}
			names[n.Name] = true
		}
		if got := measured(b, r); got != peak {
			t.Fatalf("a peak of %d bytes, foreseen were %d", got, peak)
		}
		for i, got := range bits(t, b) {
			if !bytes.Equal(got, want[i]) {
				t.Fatalf("result %d has other bits", i)
			}
		}
	})
}

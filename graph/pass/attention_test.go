package pass

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// typedSketch is a sketch whose nodes are resolved and inferred.
type typedSketch struct{ *sketch }

func (s typedSketch) op(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	return s.many(typ, attrs, 1, in...)[0]
}

func (s typedSketch) many(typ string, attrs graph.Attrs, outs int, in ...*graph.Value) []*graph.Value {
	out, err := op.Build(s.Graph, nil, "", typ, attrs, outs, in...)
	if err != nil {
		panic(err)
	}
	return out
}

// attentionForms are the ways of exporters to write attention with 2 heads of size 4 for 2 samples of 3 positions, from
// a projection x of shape [2, 3, 24] to the result [2, 3, 8].
var attentionForms = []struct {
	name   string
	packed bool
	write  func(s typedSketch, x *graph.Value) *graph.Value
}{
	{"split, then heads first", true, func(s typedSketch, x *graph.Value) *graph.Value {
		q, k, v := splitHeads(s, x)
		return s.joined(s.weighted(s.scores(q, k), v))
	}},
	{"heads first, then split", true, func(s typedSketch, x *graph.Value) *graph.Value {
		all := s.op("Transpose", graph.MakeAttrs("perm", []int{2, 0, 3, 1, 4}), s.op("Reshape", nil, x, s.ints(2, 3, 3, 2, 4)))
		parts := slices.Clone(s.many("Split", graph.MakeAttrs("axis", 0), 3, all, s.ints(1, 1, 1)))
		for i, p := range parts {
			parts[i] = s.op("Squeeze", nil, p, s.ints(0))
		}
		return s.joined(s.weighted(s.scores(parts[0], parts[1]), parts[2]))
	}},
	{"constant mask by Where", true, func(s typedSketch, x *graph.Value) *graph.Value {
		q, k, v := splitHeads(s, x)
		barred := tensor.Of(tensor.Shape{1, 1, 3, 3}, false, true, true, false, false, true, false, false, false)
		inf := s.NewConst("", tensor.Scalar(float32(math.Inf(-1))))
		return s.joined(s.weighted(s.op("Where", nil, s.NewConst("", barred), inf, s.scores(q, k)), v))
	}},
	{"mask by Where the other way round", true, func(s typedSketch, x *graph.Value) *graph.Value {
		q, k, v := splitHeads(s, x)
		seen := tensor.Of(tensor.Shape{2, 1, 1, 3}, true, true, true, true, false, true)
		inf := s.NewConst("", tensor.Scalar(float32(math.Inf(-1))))
		return s.joined(s.weighted(s.op("Where", nil, s.NewConst("", seen), s.scores(q, k), inf), v))
	}},
	{"mask that is added", true, func(s typedSketch, x *graph.Value) *graph.Value {
		q, k, v := splitHeads(s, x)
		mask := s.NewConst("", tensor.Of[float32](tensor.Shape{2, 1, 1, 3}, 0, 0, -3.4e38, 0, 0, 0))
		return s.joined(s.weighted(s.op("Add", nil, mask, s.scores(q, k)), v))
	}},
	{"no split", false, func(s typedSketch, x *graph.Value) *graph.Value {
		h := s.headsFirst(s.op("Slice", nil, x, s.ints(0), s.ints(8), s.ints(2)))
		return s.joined(s.weighted(s.scores(h, h), h))
	}},
	{"batch among the heads", false, func(s typedSketch, x *graph.Value) *graph.Value {
		// nn.MultiheadAttention has positions before samples.
		x = s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0, 2}), s.op("Slice", nil, x, s.ints(0), s.ints(8), s.ints(2)))
		h := s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0, 2}), s.op("Reshape", nil, x, s.ints(3, 4, 4)))
		y := s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0, 2}), s.weighted(s.scores(h, h), h))
		return s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0, 2}), s.op("Reshape", nil, y, s.ints(3, 2, 8)))
	}},
}

func splitHeads(s typedSketch, x *graph.Value) (q, k, v *graph.Value) {
	parts := s.many("Split", graph.MakeAttrs("axis", -1), 3, x, s.ints(8, 8, 8))
	return s.headsFirst(parts[0]), s.headsFirst(parts[1]), s.headsFirst(parts[2])
}

func (s typedSketch) headsFirst(v *graph.Value) *graph.Value {
	return s.op("Transpose", graph.MakeAttrs("perm", []int{0, 2, 1, 3}), s.op("Reshape", nil, v, s.ints(2, 3, 2, 4)))
}

func (s typedSketch) scores(q, k *graph.Value) *graph.Value {
	perm := []int{0, 1, 3, 2}
	if len(q.Type.Shape) == 3 {
		perm = []int{0, 2, 1}
	}
	product := s.op("MatMul", nil, q, s.op("Transpose", graph.MakeAttrs("perm", perm), k))
	return s.op("Mul", nil, product, s.NewConst("", tensor.Scalar[float32](0.5)))
}

func (s typedSketch) weighted(scores, v *graph.Value) *graph.Value {
	return s.op("MatMul", nil, s.op("Softmax", graph.MakeAttrs("axis", -1), scores), v)
}

func (s typedSketch) joined(y *graph.Value) *graph.Value {
	return s.op("Reshape", nil, s.op("Transpose", graph.MakeAttrs("perm", []int{0, 2, 1, 3}), y), s.ints(2, 3, 8))
}

// fused runs the passes that make a FusedAttention, and clean, and returns its node, nil for none.
func fused(t *testing.T, g *graph.Graph) *graph.Node {
	t.Helper()
	b := &Built{Graph: g}
	for _, run := range []func(*Built, *Options) error{recognise, attention, clean} {
		if err := run(b, &Options{}); err != nil {
			t.Fatal(err)
		}
	}
	i := slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Op.Type == "FusedAttention" })
	if i < 0 {
		return nil
	}
	return g.Nodes[i]
}

func TestAttentionForms(t *testing.T) {
	for _, form := range attentionForms {
		t.Run(form.name, func(t *testing.T) {
			s := typedSketch{newSketch()}
			x := s.input("x", tensor.Float32, 2, 3, 24)
			s.output("y", form.write(s, x))
			feed := map[*graph.Value]*tensor.Tensor{x: op.Normalish(1, 2, 3, 24)}
			want := evaluate(t, s.Graph, feed)[0].F32()
			n := fused(t, s.Graph)
			if n == nil {
				t.Fatal("not recognised")
			}
			if n.Attrs.Bool("packed", false) != form.packed {
				t.Errorf("packed is %v", !form.packed)
			}
			for _, other := range s.Nodes {
				if other.Op.Type == "Softmax" || other.Op.Type == "Split" || form.packed && other.Op.Type == "Transpose" {
					t.Errorf("%s is left", other.Op.Type)
				}
			}
			for i, got := range evaluate(t, s.Graph, feed)[0].F32() {
				if math.Abs(float64(got-want[i])) > 1e-6 {
					t.Fatalf("element %d is %v, and was %v", i, got, want[i])
				}
			}
		})
	}
}

// What would change results, or lose a gradient or an output, stays as it is.
func TestAttentionThatIsNone(t *testing.T) {
	for name, write := range map[string]func(s typedSketch, q, k, v *graph.Value) *graph.Value{
		"trained mask": func(s typedSketch, q, k, v *graph.Value) *graph.Value {
			bias := s.weight("bias", 1, 2, 3, 3)
			bias.Kind = graph.Param
			return s.weighted(s.op("Add", nil, s.scores(q, k), bias), v)
		},
		"mask of a finite number": func(s typedSketch, q, k, v *graph.Value) *graph.Value {
			barred := s.NewConst("", tensor.Of(tensor.Shape{3}, false, true, true))
			return s.weighted(s.op("Where", nil, barred, s.NewConst("", tensor.Scalar[float32](-10)), s.scores(q, k)), v)
		},
		"softmax over queries": func(s typedSketch, q, k, v *graph.Value) *graph.Value {
			return s.op("MatMul", nil, s.op("Softmax", graph.MakeAttrs("axis", 2), s.scores(q, k)), v)
		},
		"weights that are returned": func(s typedSketch, q, k, v *graph.Value) *graph.Value {
			weights := s.op("Softmax", graph.MakeAttrs("axis", -1), s.scores(q, k))
			s.output("weights", weights)
			return s.op("MatMul", nil, weights, v)
		},
		"keys that all samples share": func(s typedSketch, q, k, v *graph.Value) *graph.Value {
			return s.weighted(s.scores(q, s.NewConst("", op.Normalish(2, 1, 1, 3, 4))), v)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := typedSketch{newSketch()}
			q, k, v := splitHeads(s, s.input("x", tensor.Float32, 2, 3, 24))
			s.output("y", write(s, q, k, v))
			if fused(t, s.Graph) != nil {
				t.Error("became a FusedAttention")
			}
		})
	}
}

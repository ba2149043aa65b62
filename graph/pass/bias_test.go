package pass

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestBiasGoesIntoTheProduct(t *testing.T) {
	for name, c := range map[string]struct {
		fuses bool
		write func(s typedSketch, x *graph.Value) *graph.Value
	}{
		"plain": {true, func(s typedSketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, s.op("MatMul", nil, x, s.weight("w", 4, 5)), s.weight("b", 5))
		}},
		"transposed weight, bias first": {true, func(s typedSketch, x *graph.Value) *graph.Value {
			w := s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0}), s.weight("w", 5, 4))
			return s.op("Add", nil, s.weight("b", 5), s.op("MatMul", nil, x, w))
		}},
		"one number": {false, func(s typedSketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, s.op("MatMul", nil, x, s.weight("w", 4, 5)), s.weight("b", 1))
		}},
		"a number for each row": {false, func(s typedSketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, s.op("MatMul", nil, x, s.weight("w", 4, 5)), s.weight("b", 3, 1))
		}},
		"product that is read twice": {false, func(s typedSketch, x *graph.Value) *graph.Value {
			y := s.op("MatMul", nil, x, s.weight("w", 4, 5))
			return s.op("Mul", nil, y, s.op("Add", nil, y, s.weight("b", 5)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := typedSketch{newSketch()}
			x := s.input("x", tensor.Float32, 2, 3, 4)
			s.output("y", c.write(s, x))
			feed := map[*graph.Value]*tensor.Tensor{x: op.Normalish(1, 2, 3, 4)}
			want := evaluate(t, s.Graph, feed)[0].F32()
			b := &Built{Graph: s.Graph}
			for _, run := range []func(*Built, *Options) error{recognise, bias, clean} {
				if err := run(b, &Options{}); err != nil {
					t.Fatal(err)
				}
			}
			if left := slices.ContainsFunc(s.Nodes, func(n *graph.Node) bool { return n.Op.Type == "Add" }); left == c.fuses {
				t.Errorf("an Add is left: %v", left)
			}
			for i, got := range evaluate(t, s.Graph, feed)[0].F32() {
				if math.Abs(float64(got-want[i])) > 1e-6 {
					t.Fatalf("element %d is %v, and was %v", i, got, want[i])
				}
			}
		})
	}
}

package pass

import (
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// findHeads looks for heads as a file's graph has them, inferred.
func findHeads(t *testing.T, s *sketch) ([]Head, error) {
	t.Helper()
	_, err := Build(s.Graph, Options{Loss: Loss{Kind: "none"}, After: func(name string, _ *graph.Graph) bool { return name != "infer" }})
	if err != ErrStopped {
		t.Fatal(err)
	}
	heads, after, err := FindHeads(s.Graph, s.Outputs[0])
	if err == nil && after[0] != s.Outputs[0] {
		t.Errorf("values that follow the head: %v", after)
	}
	return heads, err
}

func TestFindHeads(t *testing.T) {
	gemm := func(s *sketch, x *graph.Value) *graph.Value {
		return s.op("Gemm", graph.MakeAttrs("transB", 1), x, s.weight("w", 5, 4), s.weight("b", 5))
	}
	tests := map[string]struct {
		shape []int
		write func(s *sketch, x *graph.Value) *graph.Value
		axis  int
		bias  bool
		count int
	}{
		"Gemm":           {[]int{2, 4}, gemm, 0, true, 1},
		"behind Softmax": {[]int{2, 4}, func(s *sketch, x *graph.Value) *graph.Value { return s.op("Softmax", nil, gemm(s, x)) }, 0, true, 1},
		"Gemm, not transposed": {[]int{2, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Gemm", nil, x, s.weight("w", 4, 5))
		}, 1, false, 1},
		"MatMul and Add": {[]int{2, 3, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, s.weight("b", 5), s.op("MatMul", nil, x, s.weight("w", 4, 5)))
		}, 1, true, 1},
		"MatMul of a Transpose": {[]int{2, 3, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("MatMul", nil, x, s.op("Transpose", graph.MakeAttrs("perm", []int{1, 0}), s.weight("w", 5, 4)))
		}, 0, false, 1},
		"Conv and pooling": {[]int{2, 4, 3, 3}, func(s *sketch, x *graph.Value) *graph.Value {
			y := s.op("Relu", nil, s.op("Conv", nil, x, s.weight("w", 5, 4, 1, 1), s.weight("b", 5)))
			return s.op("Flatten", nil, s.op("GlobalAveragePool", nil, y))
		}, 0, true, 1},
		"a sum": {[]int{2, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, gemm(s, x), s.op("MatMul", nil, x, s.weight("v", 4, 5)))
		}, 0, true, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSketch()
			s.output("y", test.write(s, s.input("x", tensor.Float32, test.shape...)))
			heads, err := findHeads(t, s)
			if err != nil {
				t.Fatal(err)
			}
			h := heads[0]
			if len(heads) != test.count || h.Weight.Name != "w" || h.Axis != test.axis || (h.Bias != nil) != test.bias ||
				h.Classes != 5 || h.FanIn != 4 {
				t.Errorf("%d heads, the first %+v", len(heads), h)
			}
		})
	}
}

func TestFindHeadsRefuses(t *testing.T) {
	tests := map[string]struct {
		want  string
		write func(s *sketch, x *graph.Value) *graph.Value
	}{
		"tied": {"read by other nodes", func(s *sketch, x *graph.Value) *graph.Value {
			w := s.weight("w", 4, 4)
			return s.op("MatMul", nil, s.op("MatMul", nil, x, w), w)
		}},
		"computed weight": {"stored weight", func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("MatMul", nil, x, s.op("Mul", nil, s.weight("w", 4, 4), s.op("ReduceMean", graph.MakeAttrs("keepdims", 0), x)))
		}},
		"no layer":     {"Erf_0", func(s *sketch, x *graph.Value) *graph.Value { return s.op("Erf", nil, x) }},
		"input itself": {"not computed by a layer", func(s *sketch, x *graph.Value) *graph.Value { return s.op("Relu", nil, x) }},
		"whole bias": {"bias", func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Gemm", nil, x, s.weight("w", 4, 4), s.weight("b", 2, 4))
		}},
	}
	for name, test := range tests {
		s := newSketch()
		s.output("y", test.write(s, s.input("x", tensor.Float32, 2, 4)))
		if _, err := findHeads(t, s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, which should say %q", name, err, test.want)
		}
	}
}

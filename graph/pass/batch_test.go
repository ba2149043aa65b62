package pass

import (
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// fixedBatch builds a graph whose file fixes the batch of its input to from, for batches of to.
func fixedBatch(t *testing.T, from, to int, inner []int, write func(s *sketch, x *graph.Value) *graph.Value) (*Built, error) {
	t.Helper()
	s := newSketch()
	x := s.input("x", tensor.Float32, append([]int{from}, inner...)...)
	s.output("y", write(s, x))
	return Build(s.Graph, Options{Loss: Loss{Kind: "none"}, Shapes: map[string]tensor.Shape{"x": append(tensor.Shape{to}, inner...)}})
}

// TestFixedBatchRewritesShapes compares the outputs of rewritten graphs with those of the file's own batch, example by
// example.
func TestFixedBatchRewritesShapes(t *testing.T) {
	tests := map[string]struct {
		from  int
		inner []int
		write func(s *sketch, x *graph.Value) *graph.Value
	}{
		"flat": {1, []int{2, 3}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Reshape", nil, x, s.ints(1, -1))
		}},
		"rows": {2, []int{4, 6}, func(s *sketch, x *graph.Value) *graph.Value {
			rows := s.op("Reshape", nil, x, s.ints(8, 6))
			return s.op("Reshape", nil, s.op("MatMul", nil, rows, s.weight("w", 6, 5)), s.ints(2, 4, 5))
		}},
		// As nn.MultiheadAttention does: batch and heads together in the second axis, then positions and batch together.
		"batch in the second axis": {1, []int{4, 6}, func(s *sketch, x *graph.Value) *graph.Value {
			swap := func(v *graph.Value, perm ...int) *graph.Value {
				return s.op("Transpose", graph.MakeAttrs("perm", perm), v)
			}
			heads := swap(s.op("Reshape", nil, swap(x, 1, 0, 2), s.ints(4, 2, 3)), 1, 0, 2)
			scores := s.op("Softmax", graph.MakeAttrs("axis", -1), s.op("MatMul", nil, heads, swap(heads, 0, 2, 1)))
			mixed := s.op("Reshape", nil, swap(s.op("MatMul", nil, scores, heads), 1, 0, 2), s.ints(4, 6))
			out := s.op("Gemm", nil, mixed, s.weight("w", 6, 5))
			return swap(s.op("Reshape", nil, out, s.ints(4, 1, 5)), 1, 0, 2)
		}},
		"images of one channel": {1, []int{16}, func(s *sketch, x *graph.Value) *graph.Value {
			image := s.op("Reshape", nil, x, s.ints(1, 1, 4, 4))
			return s.op("Conv", nil, image, s.weight("w", 2, 1, 3, 3))
		}},
		"expanded token": {2, []int{3, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			token := s.op("Expand", nil, s.weight("cls", 1, 1, 4), s.ints(2, 1, 4))
			return s.op("Concat", graph.MakeAttrs("axis", 1), token, x)
		}},
		"equal positions": {2, []int{3, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			at := s.NewConst("", tensor.Of[int64](tensor.Shape{2, 3}, 0, 1, 2, 0, 1, 2))
			return s.op("Add", nil, x, s.op("Gather", nil, s.weight("wpe", 3, 4), at))
		}},
		"expanded input": {2, []int{1, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Expand", nil, x, s.ints(2, 3, 4))
		}},
		"shape taken from the input": {1, []int{2, 3}, func(s *sketch, x *graph.Value) *graph.Value {
			size := s.op("Gather", nil, s.op("Shape", nil, x), s.ints(0))
			return s.op("Reshape", nil, x, s.op("Concat", graph.MakeAttrs("axis", 0), size, s.ints(6)))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const to = 6
			b, err := fixedBatch(t, test.from, to, test.inner, test.write)
			if err != nil {
				t.Fatal(err)
			}
			file, err := fixedBatch(t, test.from, test.from, test.inner, test.write)
			if err != nil {
				t.Fatal(err)
			}
			x := op.Normalish(99, append([]int{to}, test.inner...)...)
			got := outputs(t, b, map[string]*tensor.Tensor{"x": x})[0].Float64s()
			row := len(x.Data) / to
			for k := 0; k < to; k += test.from {
				part, err := tensor.FromBytes(tensor.Float32, append(tensor.Shape{test.from}, test.inner...), x.Data[k*row:(k+test.from)*row])
				if err != nil {
					t.Fatal(err)
				}
				want := outputs(t, file, map[string]*tensor.Tensor{"x": part})[0].Float64s()
				per := len(want) / test.from
				for i, w := range want {
					if d := got[k*per+i] - w; d > 1e-6 || d < -1e-6 {
						t.Fatalf("output %d of example %d is %v, alone %v", i, k, got[k*per+i], w)
					}
				}
			}
		})
	}
}

// TestFixedBatchThatCannotChange wants errors that name the node.
func TestFixedBatchThatCannotChange(t *testing.T) {
	tests := map[string]struct {
		from  int
		inner []int
		write func(s *sketch, x *graph.Value) *graph.Value
		want  string
	}{
		"a weight for each example": {2, []int{3}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Add", nil, x, s.weight("w", 2, 3))
		}, `"Add_0"`},
		"squeezed batch": {1, []int{3, 4}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Squeeze", nil, x, s.ints(0))
		}, `"Squeeze_0"`},
		"products of examples": {2, []int{3}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("MatMul", nil, x, s.op("Transpose", nil, x))
		}, `"MatMul_1"`},
		"a layer over the batch": {2, []int{3}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("MatMul", nil, s.op("Reshape", nil, x, s.ints(1, 6)), s.weight("w", 6, 2))
		}, `"MatMul_1"`},
		"batch at the end": {2, []int{3}, func(s *sketch, x *graph.Value) *graph.Value {
			return s.op("Transpose", nil, x)
		}, `output "y"`},
	}
	for name, test := range tests {
		_, err := fixedBatch(t, test.from, 5, test.inner, test.write)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "fixes the batch size to") {
			t.Errorf("%s: error %v, which should name %s", name, err, test.want)
		}
		if _, err := fixedBatch(t, test.from, test.from, test.inner, test.write); err != nil {
			t.Errorf("%s: the file's own batch: %v", name, err)
		}
	}
}

// TestFixedBatchLooksAtTheOutputOfTheLoss: others, such as the last state of an LSTM, may have the batch elsewhere. Inputs
// without a batch stay as they are.
func TestFixedBatchLooksAtTheOutputOfTheLoss(t *testing.T) {
	s := newSketch()
	x, scale := s.input("x", tensor.Float32, 1, 3), s.input("scale", tensor.Float32)
	other := s.input("other", tensor.Float32, 1, 3)
	s.output("y", s.op("Mul", nil, s.op("Add", nil, x, other), scale))
	s.output("state", s.op("Transpose", nil, x))
	b := build(t, s, Options{Loss: Loss{Kind: "none"}, Shapes: map[string]tensor.Shape{"x": {4, 3}, "other": {1, 3}}})
	if !b.Output.Type.Shape.Equal(tensor.Shape{4, 3}) || !b.Graph.Inputs[2].Type.Shape.Equal(tensor.Shape{1, 3}) {
		t.Errorf("output %v", b.Output.Type)
	}
	// Another size for each input is no batch.
	s = newSketch()
	s.output("y", s.op("MatMul", nil, s.input("x", tensor.Float32, 2, 3), s.input("other", tensor.Float32, 3, 2)))
	if _, err := Build(s.Graph, Options{Loss: Loss{Kind: "none"}, Shapes: map[string]tensor.Shape{"x": {4, 3}, "other": {4, 2}}}); err == nil ||
		!strings.Contains(err.Error(), "another input") {
		t.Errorf("two batch sizes: %v", err)
	}
}

package ops

import (
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestErrorsOfMovingOperators(t *testing.T) {
	const far = 1<<63 - 1
	x := count(2, 3)
	for _, c := range []struct {
		typ   string
		opset int
		s     op.Sample
		want  string // part of the message
	}{
		{"Gather", 13, op.Sample{In: []*tensor.Tensor{x, ints(0, 2)}}, "index 2 at position 1 is outside of [-2, 2)"},
		{"Gather", 13, op.Sample{In: []*tensor.Tensor{x, ints(-far - 1)}}, "is outside of [-2, 2)"},
		{"GatherElements", 13, op.Sample{In: []*tensor.Tensor{x, tensor.Of[int64](tensor.Shape{1, 1}, -3)}}, "index -3 at position 0"},
		{"GatherND", 13, op.Sample{In: []*tensor.Tensor{x, ints(1, 3)}}, "index 3 of axis 1 at position 0 is outside of [-3, 3)"},
		{"GatherND", 13, op.Sample{In: []*tensor.Tensor{x, ints(1, 1, 1)}}, "address 3 axes of data of shape [2,3]"},
		{"ScatterND", 13, op.Sample{In: []*tensor.Tensor{count(2), tensor.Of[int64](tensor.Shape{1, 1}, 9), count(1)}}, "index 9 of axis 0"},
		{"ScatterElements", 13, op.Sample{Attrs: graph.MakeAttrs("reduction", "add"), In: []*tensor.Tensor{count(2), ints(1), count(1)}},
			`reduction "add" is not one of [none]`},
		{"Slice", 13, op.Sample{In: []*tensor.Tensor{x, ints(0), ints(1)}}, "depends on the data of a batch"},
		{"Slice", 13, op.Sample{In: []*tensor.Tensor{x, ints(0), ints(1), ints(0), ints(0)}, Const: []int{1, 2, 3, 4}}, "step of axis 0 is 0"},
		{"Slice", 9, op.Sample{In: one(x), Attrs: graph.MakeAttrs("starts", []int{0}, "ends", []int{1}, "axes", []int{2})}, "axis 2 is outside of rank 2"},
		{"Split", 13, op.Sample{In: one(x), Outs: 2, Attrs: graph.MakeAttrs("axis", 1)}, "dimension 3 does not divide into 2 equal parts"},
		{"Split", 13, op.Sample{In: []*tensor.Tensor{x, ints(far, 3)}, Outs: 2, Const: []int{1}}, "do not divide a dimension of 2"},
		{"Squeeze", 13, op.Sample{In: []*tensor.Tensor{x, ints(0)}, Const: []int{1}}, "axis 0 of shape [2,3] is not 1"},
		{"Unsqueeze", 13, op.Sample{In: []*tensor.Tensor{x, ints(1, 1)}, Const: []int{1}}, "axis 1 is listed twice"},
		{"Concat", 13, op.Sample{In: []*tensor.Tensor{x, count(3, 3)}, Attrs: graph.MakeAttrs("axis", 1)}, "does not join [2,3] along axis 1"},
		{"Transpose", 13, op.Sample{In: one(x), Attrs: graph.MakeAttrs("perm", []int{0, 0})}, "perm [0 0] is not a permutation"},
		{"Pad", 13, op.Sample{In: []*tensor.Tensor{x, ints(0, 0, -3, 0)}, Const: []int{1}}, "crop more than the 2 of axis 0"},
		{"Pad", 13, op.Sample{In: []*tensor.Tensor{x, ints(far, 0, far, 0)}, Const: []int{1}}, "out of range"},
		{"Pad", 13, op.Sample{In: []*tensor.Tensor{x, ints(0, 0, 0, 0)}, Const: []int{1}, Attrs: graph.MakeAttrs("mode", "wrap")}, "mode wrap needs opset 19"},
		{"Tile", 13, op.Sample{In: []*tensor.Tensor{x, ints(far, far)}, Const: []int{1}}, "out of range"},
		{"Range", 13, op.Sample{In: []*tensor.Tensor{tensor.Scalar[int64](0), tensor.Scalar[int64](1), tensor.Scalar[int64](0)}, Const: []int{0, 1, 2}},
			"the step of a range is 0"},
		{"Range", 13, op.Sample{In: []*tensor.Tensor{tensor.Scalar[int64](0), tensor.Scalar[int64](5), tensor.Scalar[int64](1)}, Const: []int{0, 2}},
			`the limit, "in1", depends on the data of a batch`},
		{"Cast", 13, op.Sample{In: one(x), Attrs: graph.MakeAttrs("to", 8)}, "ONNX element type 8, which is not supported"},
		{"NonZero", 13, op.Sample{In: one(x)}, "replace the selection by Where"},
		{"TopK", 13, op.Sample{In: []*tensor.Tensor{x, ints(4)}, Const: []int{1}}, "k is 4 for axis 1 of shape [2,3]"},
		{"ReverseSequence", 13, op.Sample{In: []*tensor.Tensor{x, ints(1, 1, 3)}}, "sequence length 3 at position 2"},
		{"CumSum", 14, op.Sample{In: []*tensor.Tensor{x, tensor.Scalar[int64](2)}}, "axis 2 is outside of shape [2,3]"},
		{"Constant", 13, op.Sample{Attrs: graph.MakeAttrs("value_string", "a")}, "attribute value_string is not supported"},
	} {
		t.Run(c.typ+"/"+c.want, func(t *testing.T) {
			err := failure(t, c.typ, c.opset, c.s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// failure is the error of inferring or else evaluating a call. Only the inputs listed in Const are constants.
func failure(t *testing.T, typ string, opset int, s op.Sample) error {
	def, err := op.Resolve("", typ, opset)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[int]bool{}
	for _, i := range s.Const {
		constants[i] = true
	}
	g, n := graph.New("failing"), &graph.Node{Op: def.ID(), Attrs: s.Attrs}
	for i, in := range s.In {
		v := g.NewConst("in"+string(rune('0'+i)), in)
		if !constants[i] {
			v.Kind = graph.Param
		}
		n.In = append(n.In, v)
	}
	for range max(s.Outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	if err := def.Infer(n); err != nil {
		return err
	}
	_, err = op.Evaluate(g, nil)
	return err
}

func TestFloatsAreClampedToIntegers(t *testing.T) {
	in := floats32([]int{3}, 3e38, -3e38, float32(math.NaN()))
	for _, want := range []*tensor.Tensor{
		tensor.Vector[int64](1<<63-1, -1<<63, 0), tensor.Vector[int32](1<<31-1, -1<<31, 0), tensor.Vector[uint64](1<<64-1, 0, 0),
		tensor.Vector[uint8](255, 0, 0), tensor.Vector[int8](127, -128, 0),
	} {
		out := tensor.New(want.DType, 3)
		convert(out, in)
		if string(out.Data) != string(want.Data) {
			t.Errorf("%v: %v, want %v", want.DType, out.Int64s(), want.Int64s())
		}
	}
}

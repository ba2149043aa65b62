package pass

import (
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func (d draft) scalar(v int64) *graph.Value {
	return d.NewConst("", tensor.Scalar(v))
}

// An export of x[::2]-like code: split, pick, insert, erase, join.
func TestSequences(t *testing.T) {
	d := newDraft()
	x := d.input("x", tensor.Float32, 5, 2)
	parts := d.node("SplitToSequence", 1, nil, x, d.scalar(2))[0] // of 2, 2 and 1 rows
	last := d.node("SequenceAt", 1, nil, parts, d.scalar(-1))[0]
	front := d.node("SequenceInsert", 1, nil, parts, last, d.scalar(0))[0]
	kept := d.node("SequenceErase", 1, nil, front, d.scalar(1))[0]
	joined := d.node("ConcatFromSequence", 1, graph.MakeAttrs("axis", 0), kept)[0]
	count := d.node("Cast", 1, graph.MakeAttrs("to", 1), d.node("SequenceLength", 1, nil, kept)[0])[0]
	rows := d.node("SplitToSequence", 1, graph.MakeAttrs("keepdims", 0), joined, d.scalar(1))[0]
	stacked := d.node("ConcatFromSequence", 1, graph.MakeAttrs("axis", -1, "new_axis", 1), d.node("Identity", 1, nil, rows)[0])[0]
	got := run(t, d.returns(joined, count, stacked).Graph, tensor.Of[float32](tensor.Shape{5, 2}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
	wantFloats(t, got[0], tensor.Shape{4, 2}, 8, 9, 4, 5, 6, 7, 8, 9)
	wantFloats(t, got[1], tensor.Shape{}, 3)
	wantFloats(t, got[2], tensor.Shape{2, 4}, 8, 4, 6, 8, 9, 5, 7, 9)
}

// A loop that appends to a list, as exports of Python loops have it, with a gradient.
func TestLoopCarriesASequence(t *testing.T) {
	build := func() draft {
		d := newDraft()
		x, w := d.input("x", tensor.Float32, 2), d.NewConst("w", tensor.Vector[float32](0.5, -2))
		body := newDraft()
		body.input("i", tensor.Int64)
		cond, s, list := body.input("cond", tensor.Bool), body.input("s", tensor.Float32, 2), body.capture("")
		body.Inputs = append(body.Inputs, list)
		next := body.node("Mul", 1, nil, s, body.capture("w"))[0]
		body.returns(cond, next, body.node("SequenceInsert", 1, nil, list, next)[0])
		empty := d.node("SequenceEmpty", 1, nil)[0]
		outs := d.node("Loop", 2, graph.MakeAttrs("body", body.Graph), d.scalar(3), nil, x, empty, w)
		return d.returns(d.node("ConcatFromSequence", 1, graph.MakeAttrs("axis", 0, "new_axis", 1), outs[1])...)
	}
	got := run(t, build().Graph, tensor.Vector[float32](8, 1))
	wantFloats(t, got[0], tensor.Shape{3, 2}, 4, -2, 2, 4, 1, -8)
	checkGradient(t, build().Graph, tensor.Vector[float32](1, 0.5), tensor.New(tensor.Float32, 3, 2))
}

func TestSequenceErrors(t *testing.T) {
	for _, c := range []struct {
		want  string
		build func(d draft, parts, at *graph.Value) *graph.Value
	}{
		{`position "at" depends on the data`, func(d draft, parts, at *graph.Value) *graph.Value {
			return d.node("SequenceAt", 1, nil, parts, at)[0]
		}},
		{"position 4 is outside of a sequence of 3 tensors", func(d draft, parts, _ *graph.Value) *graph.Value {
			return d.node("SequenceAt", 1, nil, parts, d.scalar(4))[0]
		}},
		{"is a sequence, which the operator does not take", func(d draft, parts, _ *graph.Value) *graph.Value {
			return d.node("Neg", 1, nil, parts)[0]
		}},
		{"a sequence as an output of the model is not supported", func(d draft, parts, _ *graph.Value) *graph.Value {
			return d.node("Identity", 1, nil, parts)[0]
		}},
		{"input 0 is no sequence", func(d draft, _, at *graph.Value) *graph.Value {
			return d.node("SequenceLength", 1, nil, at)[0]
		}},
	} {
		d := newDraft()
		x, at := d.input("x", tensor.Float32, 3), d.input("at", tensor.Int64)
		d.returns(c.build(d, d.node("SplitToSequence", 1, nil, x)[0], at))
		_, err := Build(d.Graph, Options{Loss: Loss{Kind: "none"}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestGradientOperator(t *testing.T) {
	d := newDraft()
	x, w := d.input("x", tensor.Float32, 2), d.input("w", tensor.Float32, 2)
	y := d.node("Mul", 1, nil, d.node("Mul", 1, nil, x, x)[0], w)[0]
	outs := d.node("Gradient", 2, graph.MakeAttrs("xs", []string{"x", "w"}, "y", y.Name), x, w)
	d.Nodes[len(d.Nodes)-1].Op = graph.OpID{Domain: "ai.onnx.preview.training", Type: "Gradient", Since: 1}
	got := run(t, d.returns(outs...).Graph, tensor.Vector[float32](3, 4), tensor.Vector[float32](5, 6))
	wantFloats(t, got[0], tensor.Shape{2}, 2*3*5, 2*4*6)
	wantFloats(t, got[1], tensor.Shape{2}, 9, 16)
}

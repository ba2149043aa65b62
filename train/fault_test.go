package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestFaultOfTheData trains and evaluates with an index and with a label that there is not, as data in files can have them.
func TestFaultOfTheData(t *testing.T) {
	for _, c := range []struct {
		model string
		field int
		want  string
	}{
		{"gpt", 0, `array "tokens" of the data`}, {"gpt", 1, `array "label" of the data`}, {"mlp", 1, `array "label" of the data`},
	} {
		t.Run(fmt.Sprintf("%s/%d", c.model, c.field), func(t *testing.T) {
			s := openModel(t, c.model, nil)
			trainer := trainerOf(t, s)
			all := batches(t, s)
			all[0].Tensors[c.field].I64()[3] = 1 << 32
			_, err := trainer.Step(context.Background(), all[:1])
			isFault(t, err, BadData, c.want)
			p, err := s.Engine.ProgramFor(all[0], false)
			if err != nil {
				t.Fatal(err)
			}
			isFault(t, p.Run(context.Background(), all[0].Tensors, 0, 0), BadData, c.want)
		})
	}
}

func isFault(t *testing.T, err error, kind Kind, text string) {
	t.Helper()
	var f *Failure
	if !errors.As(err, &f) {
		t.Errorf("error %v is of no kind", err)
	} else if f.Kind != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v of kind %d, want kind %d and %q", err, f.Kind, kind, text)
	}
}

// TestFaultIsOfTheModelOrTheData looks for who decides the integers that a node takes.
func TestFaultIsOfTheModelOrTheData(t *testing.T) {
	g := graph.New("g")
	ints, floats := graph.Type{DType: tensor.Int64, Shape: tensor.Shape{2}}, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{2}}
	input, labels := g.NewValue("x", graph.Input, ints), g.NewValue("onnxtrain.label", graph.Input, ints)
	measured, rng := g.NewValue("m", graph.Input, floats), g.NewValue("rng", graph.Input, ints)
	weight, count := g.NewValue("w", graph.Param, floats), g.NewValue("n", graph.State, ints)
	one := g.NewConst("one", tensor.Vector[int64](1, 1))
	p := &Program{Built: &pass.Built{Graph: g, RNG: rng}}
	build := func(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
		t.Helper()
		out, err := op.Build(g, nil, "", typ, attrs, op.EmitOpset, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	toInts := graph.MakeAttrs("to", int64(7))
	for _, c := range []struct {
		name  string
		index *graph.Value
		want  string // the array to blame, "" for the model
	}{
		{"an array", input, "x"},
		{"the labels", labels, "label"},
		{"an array plus a constant", build("Add", nil, input, one), "x"},
		{"a measurement in whole numbers", build("Cast", toInts, measured), "m"},
		{"a weight in whole numbers", build("Cast", toInts, weight), ""},
		{"an array plus a weight", build("Add", nil, input, build("Cast", toInts, weight)), ""},
		{"an array plus a count of steps", build("Add", nil, count, input), ""},
		{"random numbers", build("Add", nil, input, rng), ""},
		{"a constant", one, ""},
	} {
		refused := graph.Errorf(build("Gather", nil, weight, c.index).Producer, "index 7 at position 0 is outside of [0, 2)")
		kind, text := BadModel, "index 7"
		if c.want != "" {
			kind, text = BadData, fmt.Sprintf("array %q of the data", c.want)
		}
		t.Run(c.name, func(t *testing.T) { isFault(t, p.fault(refused), kind, text) })
	}
	bug := graph.Errorf(build("Gather", nil, weight, input).Producer, "%w in kernel gather: index out of range", backend.ErrPanic)
	isFault(t, p.fault(bug), Internal, "panic")
	isFault(t, p.fault(context.Canceled), Internal, "canceled")
	if err := p.fault(nil); err != nil {
		t.Errorf("no error is %v", err)
	}
	isFault(t, updateFault(fmt.Errorf("step 3: %w", bug)), Internal, "panic")
	isFault(t, updateFault(graph.Errorf(bug.(*graph.Error).Node, "index 9")), Usage, "index 9")
	isFault(t, updateFault(errors.New("no eigenvalues")), Diverged, "no eigenvalues")
}

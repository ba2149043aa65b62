package builder_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/optimizers/onnxfile"
	"github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// saved writes an optimizer and opens it.
func saved(t *testing.T, o builder.Optimizer) *registry.Entry {
	t.Helper()
	b, err := o.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), o.Name+".onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := onnxfile.Open(o.Name, path)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEverything writes what a file may hold and reads it back.
func TestEverything(t *testing.T) {
	g := builder.NewGraph("")
	// Weights of the choice, an attribute of each type, a slot of numbered dimensions and an operator of another domain.
	weight := g.OpWith("Gather", builder.Attrs{"axis": 0}, g.Cast(g.Ints(1, 2, 3), builder.Double), "kind")
	slow := g.OpWith("LeakyRelu", builder.Attrs{"alpha": 0.5}, "grad")
	g.Node("ai.onnx.preview.training", "Momentum", builder.Attrs{"alpha": 0.5, "beta": 1.0, "mode": "standard", "norm_coefficient": 0.0},
		[]string{g.ToFloat(g.Op("Mul", "lr", weight)), "step", "param", slow, "velocity"}, "param_out", "velocity_out")
	g.OpTo("moves_out", "Add", "moves", g.OpWith("Constant", builder.Attrs{"value_floats": []float64{1, 10}}))
	e := saved(t, builder.Optimizer{
		Name: "everything", Doc: "d", Paper: "p", Formula: "f", Version: "1.2", Producer: "me", Dims: []string{"n"}, Graph: g,
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 0.25, Doc: "step", Range: "[0,1]", Search: "log 1e-3 1e-1", Symbol: "β", Unit: "units", Alias: "eta"},
			{Name: "kind", Default: "b", Choices: "a|b|c"}, {Name: "count", Default: 3}, {Name: "on", Default: true, Official: "false"},
		},
		Slots: []builder.Slot{{Name: "velocity", Dims: []string{"n"}}, {Name: "moves", Dims: []string{"2"}, Init: "5"}},
	})
	if e.Doc != "d" || e.Paper != "p" || e.Formula != "f" || e.Version != "1.2" || e.Hyper("eta") == nil || e.Hyper("eta").Unit != "units" {
		t.Errorf("it is read as %+v", e)
	}
	opt, h, err := e.New(registry.Settings{"kind": "c"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := registry.NewStepper(opt, []registry.ParamInfo{{Name: "w", Shape: tensor.Shape{3}, DType: tensor.Float32}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := tensor.Vector[float32](1, 1, 1)
	for step := range 2 {
		if err := s.Step(registry.Context{Step: step + 1, LR: h.LR}, []*tensor.Tensor{w}, []*tensor.Tensor{tensor.Vector[float32](4, -4, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	// The velocity is the leaky gradient, then 1.5 times it; steps are of 3·0.25.
	for i, want := range []float64{1 - 0.75*4*2.5, 1 + 0.75*2*2.5, 1} {
		if got := float64(w.F32()[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("weight %d is %v, want %v", i, got, want)
		}
	}
	for _, slot := range s.Slots {
		if slot.Name == "w/moves" && (slot.Tensor.F32()[0] != 7 || slot.Tensor.F32()[1] != 25) {
			t.Errorf("moves %v", slot.Tensor.F32())
		}
	}
}

// TestBranchesAndBodies takes as many small steps in a Loop as a setting says, in an If.
func TestBranchesAndBodies(t *testing.T) {
	g := builder.NewGraph("")
	body := builder.NewGraph("body_")
	next := body.Op("Mul", "body_x", body.Float(0.5))
	still := body.Op("Identity", "body_go")
	loop := body.Body("halve", []builder.Value{{Name: "body_i", Type: builder.Int64}, {Name: "body_go", Type: builder.Bool},
		{Name: "body_x", Type: builder.Float, Dims: []string{"n"}}}, []builder.Value{{Name: still, Type: builder.Bool}, {Name: next}})
	yes, no := builder.NewGraph("yes_"), builder.NewGraph("no_")
	halved := yes.OpWith("Loop", builder.Attrs{"body": loop}, "times", "", "grad")
	g.If("on", yes.Branch("then", halved), no.Branch("else", no.Op("Identity", "grad")), "step_size")
	g.OpTo("param_out", "Sub", "param", g.Op("Mul", g.ToFloat("lr"), "step_size"))
	e := saved(t, builder.Optimizer{Name: "halving", Dims: []string{"n"}, Graph: g, Hypers: []builder.Hyper{
		{Name: "lr", Default: 1.0}, {Name: "times", Default: 3}, {Name: "on", Default: true}}})
	for text, want := range map[string]float32{"on=true": 0, "on=false": -7, "times=1": -3} {
		name, value, _ := strings.Cut(text, "=")
		opt, h, err := e.New(registry.Settings{name: value})
		if err != nil {
			t.Fatal(err)
		}
		s, err := registry.NewStepper(opt, []registry.ParamInfo{{Name: "w", Shape: tensor.Shape{2}, DType: tensor.Float32}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := tensor.Vector[float32](1, 1)
		if err := s.Step(registry.Context{Step: 1, LR: h.LR}, []*tensor.Tensor{w}, []*tensor.Tensor{tensor.Vector[float32](8, 8)}); err != nil {
			t.Fatal(err)
		}
		if w.F32()[0] != want {
			t.Errorf("%s: %v, want %v", text, w.F32()[0], want)
		}
	}
}

func TestErrors(t *testing.T) {
	g := builder.NewGraph("")
	g.Node("", "Sub", builder.Attrs{"odd": 1i}, []string{"param", "grad"}, "param_out")
	for want, o := range map[string]builder.Optimizer{
		`"clock"`:               {Hosted: []string{"clock"}, Graph: builder.NewGraph("")},
		`"h" has the default 7`: {Hypers: []builder.Hyper{{Name: "h", Default: float32(7)}}, Graph: builder.NewGraph("")},
		`attribute "odd"`:       {Graph: g},
		"no graph":              {},
	} {
		if _, err := o.Marshal(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

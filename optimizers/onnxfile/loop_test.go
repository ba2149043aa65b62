package onnxfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// parameters are of every form, with lengths around those of blocks.
var parameters = []registry.ParamInfo{
	{Name: "scalar", Shape: tensor.Shape{}, Role: registry.Norm, DType: tensor.Float32},
	{Name: "nothing", Shape: tensor.Shape{0}, Role: registry.Bias, DType: tensor.Float32},
	{Name: "one", Shape: tensor.Shape{1}, Role: registry.Bias, DType: tensor.Float32},
	{Name: "bias", Shape: tensor.Shape{7}, Role: registry.Bias, DType: tensor.Float32},
	{Name: "matrix", Shape: tensor.Shape{6, 20}, Role: registry.Weight, DType: tensor.Float32},
	{Name: "kernel", Shape: tensor.Shape{8, 3, 5, 3}, Role: registry.Weight, DType: tensor.Float32},
	{Name: "table", Shape: tensor.Shape{31, 41}, Role: registry.Embedding, DType: tensor.Float32},
	{Name: "blocks", Shape: tensor.Shape{8192}, Role: registry.Norm, DType: tensor.Float32},
	{Name: "large", Shape: tensor.Shape{3, 30001}, Role: registry.Weight, DType: tensor.Float32},
}

// opened makes an optimizer of a file with settings, whose graphs run as loops or node by node.
func opened(t *testing.T, spec string, plain bool) (*optimizer, registry.Hyperparameters) {
	t.Helper()
	e, s, err := registry.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	opt, h, err := e.New(s)
	if err != nil {
		t.Fatal(err)
	}
	o := opt.(*optimizer)
	o.plain = plain
	return o, h
}

// steps trains the parameters from a fixed start and returns all bits of values and slots.
func steps(t *testing.T, spec string, plain bool, threads int) []byte {
	t.Helper()
	o, h := opened(t, spec, plain)
	pool := par.New(threads)
	defer pool.Close()
	s, err := registry.NewStepper(o, parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range parameters { // as groups and --layer-decay do
		s.LRScale, s.WeightDecay = append(s.LRScale, 1/float64(1+i%3)), append(s.WeightDecay, h.WeightDecay*float64(i%2))
	}
	r := rand.New(rand.NewPCG(5, 6))
	draw := func() (all []*tensor.Tensor) {
		for _, p := range parameters {
			v := tensor.New(p.DType, p.Shape...)
			for i := range v.F32() {
				v.F32()[i] = float32(r.NormFloat64())
			}
			all = append(all, v)
		}
		return all
	}
	values := draw()
	for step := range 12 {
		grads := draw()
		if step%3 == 1 {
			grads[3] = nil // it falls behind in updates
		}
		c := registry.Context{Step: step + 1, LR: h.LR * (1 - float64(step)/20), LossTerms: 16, Pool: pool}
		if err := s.Step(c, values, grads); err != nil {
			t.Fatal(err)
		}
	}
	var all []byte
	for _, v := range values {
		all = append(all, v.Data...)
	}
	for _, slot := range s.Slots {
		all = append(all, slot.Tensor.Data...)
	}
	return all
}

// TestLoopsAreBitForBit compares updates by loops with those by the same graphs run node by node.
func TestLoopsAreBitForBit(t *testing.T) {
	for _, spec := range []string{
		"sgd,momentum=0.9,weight_decay=1e-3", "sgd", "sgd,momentum=0.9,nesterov", "adamw,weight_decay=0.1", "adamw,amsgrad,beta2=0.9", "lion",
		"rfrmsprop", "rfrmsprop,batch_scaling=false", "muon,weight_decay=0.1", "testdata/counted.onnx",
	} {
		t.Run(spec, func(t *testing.T) {
			if !strings.HasPrefix(spec, "testdata") {
				name, more, _ := strings.Cut(spec, ",")
				spec = filepath.Join("..", "..", "examples", "optimizers", name+".onnx")
				if more != "" {
					spec += "," + more
				}
			}
			want := steps(t, spec, true, 1)
			for threads := 1; threads <= 3; threads += 2 {
				if !bytes.Equal(steps(t, spec, false, threads), want) {
					t.Errorf("%d threads: the loops give other bits than the nodes", threads)
				}
			}
		})
	}
}

// TestLoopsChoose runs resilient propagation, whose elements choose by comparisons, with a scalar that counts.
func TestLoopsChoose(t *testing.T) {
	g := builder.NewGraph("")
	same := g.Op("Mul", "grad", "before")
	zero := g.Float(0)
	grown := g.Op("Min", g.Op("Mul", "rate", g.Float(1.2)), g.Float(1))
	fallen := g.Op("Max", g.Op("Mul", "rate", g.Float(0.5)), g.Float(1e-6))
	rate := g.Op("Where", g.Op("Greater", same, zero), grown, g.Op("Where", g.Op("Less", same, zero), fallen, "rate"))
	rate = g.OpTo("rate_out", "Identity", rate)
	turned := g.Op("Not", g.Op("GreaterOrEqual", same, zero))
	used := g.OpTo("before_out", "Where", turned, zero, "grad")
	g.OpTo("seen_out", "Add", "seen", g.Float(1))
	far := g.Op("Mul", rate, g.Op("Mul", g.ToFloat("lr"), g.Op("Sign", used)))
	g.OpTo("param_out", "Sub", "param", g.Op("Div", far, g.Op("Sqrt", "seen_out")))
	b, err := builder.Optimizer{
		Name: "rprop", Dims: []string{"n"}, Graph: g, Hypers: []builder.Hyper{{Name: "lr", Default: 0.1}},
		Slots: []builder.Slot{{Name: "before", Dims: []string{"n"}}, {Name: "rate", Dims: []string{"n"}, Init: "0.1"}, {Name: "seen"}},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rprop.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	o, _ := opened(t, path, false)
	if u, err := o.unit(parameters[4], 0); err != nil || u.loop == nil || u.loop.pure {
		t.Fatalf("it is no loop with a scalar slot: %v", err)
	}
	if !bytes.Equal(steps(t, path, false, 2), steps(t, path, true, 1)) {
		t.Error("the loop gives other bits than the nodes")
	}
}

// TestExamplesAreLoops checks that what can be a loop is one, and that one graph serves parameters of all shapes.
func TestExamplesAreLoops(t *testing.T) {
	for _, name := range []string{"sgd", "adamw", "lion", "rfrmsprop", "muon"} {
		o, _ := opened(t, filepath.Join("..", "..", "examples", "optimizers", name+".onnx"), false)
		units := map[*unit]bool{}
		for _, p := range parameters {
			u, err := o.unit(p, 0)
			if err != nil {
				t.Fatal(err)
			}
			units[u] = true
			matrix := name == "muon" && len(p.Shape) > 1 && p.Role == registry.Weight
			if (u.loop != nil) == matrix {
				t.Errorf("%s, %s: a loop: %v", name, p.Name, u.loop != nil)
			}
		}
		if name != "muon" && len(units) != 1 {
			t.Errorf("%s has %d graphs for %d parameters", name, len(units), len(parameters))
		}
	}
}

var raceEnabled bool

// TestLoopsDoNotAllocate takes steps of many small parameters with one learning rate.
func TestLoopsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o, h := opened(t, filepath.Join("..", "..", "examples", "optimizers", "adamw.onnx"), false)
	var params []registry.ParamInfo
	var values, grads []*tensor.Tensor
	for i := range 100 {
		p := registry.ParamInfo{Name: fmt.Sprint("p", i), Shape: tensor.Shape{10 + i, 9}, DType: tensor.Float32, Role: registry.Weight}
		params, values, grads = append(params, p), append(values, tensor.New(p.DType, p.Shape...)), append(grads, tensor.New(p.DType, p.Shape...))
	}
	s, err := registry.NewStepper(o, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	run := func() {
		step++
		if err := s.Step(registry.Context{Step: step, LR: h.LR, LossTerms: 8}, values, grads); err != nil {
			t.Fatal(err)
		}
	}
	run()
	// A step computes its scalars once; pools may be emptied at any time.
	if n := testing.AllocsPerRun(50, run); n > 40 {
		t.Errorf("%v allocations a step of %d parameters", n, len(params))
	}
}

package onnxfile_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	_ "github.com/onnxtrain/onnxtrain/optimizers"
	"github.com/onnxtrain/onnxtrain/optimizers/golden"
	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/conform"
	"github.com/onnxtrain/onnxtrain/tensor"
)

var twins = []string{"sgd", "adamw", "lion", "rfrmsprop", "muon"}

func example(name string) string {
	return filepath.Join("..", "..", "examples", "optimizers", name+".onnx")
}

func TestConform(t *testing.T) {
	for _, name := range twins {
		e, err := registry.Lookup(example(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range conform.Checks {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				if err := c.Run(e); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestGolden replays the recordings of the official packages.
func TestGolden(t *testing.T) {
	for _, name := range twins {
		results, err := golden.Check(filepath.Join("..", "golden", "testdata", "cases.json"), example(name))
		if err != nil {
			t.Fatal(err)
		}
		if len(results) == 0 {
			t.Errorf("there is no recording of %s", name)
		}
		for _, r := range results {
			if !r.OK || r.Skipped != "" {
				t.Errorf("%s: %.2g, %.2g is allowed; %s", r.Case, r.MaxRel, r.Tol, r.Skipped)
			}
		}
	}
}

// TestTwins compares each file with the built-in optimizer over 50 steps.
func TestTwins(t *testing.T) {
	for _, settings := range []string{
		"sgd", "sgd,momentum=0.9,weight_decay=1e-3", "sgd,momentum=0.9,nesterov", "sgd,momentum=0.9,dampening=0.5",
		"adamw,weight_decay=0.1", "adamw,amsgrad,beta2=0.9", "lion,weight_decay=0.1", "lion,lr=1e-2,beta1=0.8",
		"rfrmsprop", "rfrmsprop,batch_scaling=false,momentum=0", "muon,weight_decay=0.1", "muon,hidden=all,nesterov=false,ns_steps=3",
		"muon,hidden=none,aux_lr=3e-3,lr=1e-2",
	} {
		for dt, tolerance := range map[tensor.DType]float64{tensor.Float32: 2e-5, tensor.Float64: 1e-12} {
			if dt == tensor.Float64 && strings.HasPrefix(settings, "muon") {
				tolerance = 1e-6 // factors of matrix products become attributes, which are float
			}
			t.Run(fmt.Sprintf("%s/%v", settings, dt), func(t *testing.T) {
				if d := distance(t, settings, dt); !(d <= tolerance) {
					t.Errorf("the file strays from the built-in by %.2g, %.2g is allowed", d, tolerance)
				}
			})
		}
	}
}

var shapes = []registry.ParamInfo{
	{Name: "scalar", Shape: tensor.Shape{}, Role: registry.Norm},
	{Name: "bias", Shape: tensor.Shape{7}, Role: registry.Bias},
	{Name: "wide", Shape: tensor.Shape{6, 20}, Role: registry.Weight},
	{Name: "tall", Shape: tensor.Shape{33, 5}, Role: registry.Weight},
	{Name: "kernel", Shape: tensor.Shape{8, 3, 5, 3}, Role: registry.Weight},
	{Name: "table", Shape: tensor.Shape{9, 4}, Role: registry.Embedding},
	{Name: "blocks", Shape: tensor.Shape{9001}, Role: registry.Bias},
	{Name: "two blocks", Shape: tensor.Shape{8192}, Role: registry.Norm},
}

// distance is the largest difference of a parameter relative to its largest element.
func distance(t *testing.T, settings string, dt tensor.DType) float64 {
	pool := par.New(2)
	defer pool.Close()
	infos := append([]registry.ParamInfo(nil), shapes...)
	for i := range infos {
		infos[i].DType = dt
	}
	var end [2][]*tensor.Tensor
	for k, spec := range []string{settings, twinOf(settings)} {
		e, s, err := registry.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		opt, h, err := e.New(s)
		if err != nil {
			t.Fatal(err)
		}
		stepper, err := registry.NewStepper(opt, infos, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		draw := func() (all []*tensor.Tensor) {
			for _, p := range infos {
				v := tensor.New(dt, p.Shape...)
				x := make([]float64, v.Elems())
				for i := range x {
					x[i] = float64(float32(r.NormFloat64()))
				}
				v.SetFloat64s(x)
				all = append(all, v)
			}
			return all
		}
		values := draw()
		for step := range 50 {
			c := registry.Context{Step: step + 1, LR: h.LR * (1 - float64(step)/100), WeightDecay: h.WeightDecay, LossTerms: 16, Pool: pool}
			if err := stepper.Step(c, values, draw()); err != nil {
				t.Fatal(err)
			}
		}
		end[k] = values
	}
	worst := 0.0
	for i := range infos {
		a, b := end[0][i].Float64s(), end[1][i].Float64s()
		diff, scale := 0.0, 0.0
		for j := range a {
			diff, scale = max(diff, math.Abs(a[j]-b[j])), max(scale, math.Abs(a[j]))
		}
		worst = max(worst, diff/scale)
	}
	return worst
}

func twinOf(settings string) string {
	for i, c := range settings {
		if c == ',' {
			return example(settings[:i]) + settings[i:]
		}
	}
	return example(settings)
}

// BenchmarkUpdate compares the time of an update of ten million elements, in one parameter.
func BenchmarkUpdate(b *testing.B) {
	for _, name := range []string{"sgd,momentum=0.9", "adamw", "lion", "rfrmsprop", "muon"} {
		shape := tensor.Shape{1000, 10000}
		if name == "muon" {
			shape = tensor.Shape{512, 512}
		}
		for _, spec := range []string{name, twinOf(name)} {
			b.Run(spec, func(b *testing.B) {
				e, s, err := registry.Parse(spec)
				if err != nil {
					b.Fatal(err)
				}
				opt, h, err := e.New(s)
				if err != nil {
					b.Fatal(err)
				}
				infos := []registry.ParamInfo{{Name: "w", Shape: shape, DType: tensor.Float32, Role: registry.Weight}}
				stepper, err := registry.NewStepper(opt, infos, nil)
				if err != nil {
					b.Fatal(err)
				}
				pool := par.New(0)
				defer pool.Close()
				w, g := tensor.New(tensor.Float32, shape...), tensor.New(tensor.Float32, shape...)
				for i := range g.F32() {
					g.F32()[i] = float32(i%1000)/1000 - 0.5
				}
				for b.Loop() {
					c := registry.Context{Step: 1, LR: h.LR, WeightDecay: h.WeightDecay, LossTerms: 16, Pool: pool}
					if err := stepper.Step(c, []*tensor.Tensor{w}, []*tensor.Tensor{g}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

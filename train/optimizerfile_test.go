package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload"
	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile"
)

func optimizerFile(name string) string {
	return filepath.Join("..", "examples", "optimizers", name+".onnx")
}

// TestResumeIsExactForOptimizerFiles stops in the middle of an epoch and of a schedule, one of them over files that hold
// scalars as state.
func TestResumeIsExactForOptimizerFiles(t *testing.T) {
	for _, opt := range []string{
		optimizerFile("sgd") + ",momentum=0.9", optimizerFile("adamw") + ",amsgrad", optimizerFile("muon"),
		filepath.Join("..", "optimizers", "onnxfile", "testdata", "counted.onnx"),
	} {
		t.Run(filepath.Base(opt), func(t *testing.T) { resumes(t, nil, "mlp", opt, 10) })
	}
}

// TestOptimizerFilesTakeEveryFlag trains with groups, schedules, averages and the rest by built-in optimizers and by files.
func TestOptimizerFilesTakeEveryFlag(t *testing.T) {
	for _, c := range []struct {
		name, builtin, file string
		change              func(*Config)
	}{
		{"groups", "adamw,weight_decay=0.1", "adamw", func(c *Config) {
			c.Group = []string{"*.bias:weight_decay=0,lr=x0.3", "role:weight:beta1=0.5,amsgrad=true"}
		}},
		{"schedules", "adamw", "adamw", func(c *Config) { c.Schedule = "cosine;beta1=linear,end=0.5;weight_decay=linear" }},
		{"average and layers", "lion,lr=1e-3", "lion", func(c *Config) { c.EMA, c.LayerDecay, c.ClipNorm, c.Accumulate = 0.9, 0.5, 1, 2 }},
		{"roles", "rfrmsprop,weight_decay=0.01", "rfrmsprop", func(c *Config) { c.NoDecay = []string{"bias"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var weights [2]map[string][]float64
			for i, opt := range []string{c.builtin, optimizerFile(c.file) + strings.TrimPrefix(c.builtin, c.file)} {
				config := small("mlp", opt, filepath.Join(dir, fmt.Sprint(i)))
				c.change(&config)
				r, _ := trained(t, config, 0)
				weights[i] = weightsOf(t, r.LastPath)
				if config.EMA > 0 {
					for name, x := range weightsOf(t, r.BestPath) {
						weights[i]["average of "+name] = x
					}
				}
			}
			if len(weights[0]) == 0 {
				t.Fatal("no weights")
			}
			for name, want := range weights[0] {
				worst, scale := 0.0, 0.0
				for k, w := range want {
					worst, scale = max(worst, math.Abs(weights[1][name][k]-w)), max(scale, math.Abs(w))
				}
				if !(worst <= 1e-4*scale) {
					t.Errorf("%s: differs by %.2g of %.2g", name, worst, scale)
				}
			}
		})
	}
}

// weightsOf are the numbers that a model file holds, by name.
func weightsOf(t *testing.T, path string) map[string][]float64 {
	t.Helper()
	m, err := onnxload.Open(path, onnxload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float64{}
	for _, v := range g.Values {
		if v.Init != nil {
			all[v.Name] = v.Init.Float64s()
		}
	}
	return all
}

// TestChangedOptimizerFile goes on with the file that a checkpoint was written with, and with another one only if told to.
func TestChangedOptimizerFile(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile(optimizerFile("lion"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(good, []byte("Sign"), []byte("Tanh"), 1)
	path := filepath.Join(dir, "own.onnx")
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(good)
	c := small("mlp", path+",lr=0.001", filepath.Join(dir, "run"))
	c.SaveEvery = "100"
	trained(t, c, 5)
	write(changed)
	c.Resume = "auto"
	_, _, err = attempt(c, &observer{})
	var f *Failure
	if !errors.As(err, &f) || f.Kind != Usage {
		t.Fatalf("a run goes on with another optimizer: %v", err)
	}
	for _, want := range []string{path, digestOf(good), digestOf(changed), "--changed-optimizer", filepath.Join("checkpoints", "step-00000005")} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not mention %q: %v", want, err)
		}
	}
	write(good)
	c.Steps = 8
	trained(t, c, 0)
	write(changed)
	c.Steps, c.ChangedOptimizer = 10, true
	r, _ := trained(t, c, 0)
	if r.Steps != 10 {
		t.Errorf("it ends at step %d", r.Steps)
	}
	c.ChangedOptimizer = false
	c.Steps = 12
	trained(t, c, 0) // the checkpoint of step 10 is of this file
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

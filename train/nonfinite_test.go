package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestNonFiniteIsNamed spoils one thing after the other before a step: the same step finds it, names it, changes no weight
// unless it says so, and its post-mortem gives the same message again.
func TestNonFiniteIsNamed(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name    string
		opt     string
		change  func(*Config)
		spoil   func(*observer)
		want    []string
		spoiled bool
	}{
		{"parameter", "adamw", nil, func(o *observer) { o.param("head.weight")[3] = nan }, []string{"loss is NaN", `parameter "head.weight"`}, false},
		{"infinite parameter", "adamw", nil, func(o *observer) { o.param("hidden.bias")[0] = inf }, []string{`parameter "hidden.bias"`}, false},
		{"operator", "adamw", nil, func(o *observer) { fill(o.param("head.weight"), 3e38) }, []string{"node", "Gemm", "infinity"}, false},
		{"optimizer state", "adamw", nil, func(o *observer) { o.slots("hidden.weight/")[7] = nan }, []string{`made "hidden.weight" not finite`, `optimizer state "hidden.weight/`, "--resume"}, true},
		{"update", "sgd,lr=1e42,momentum=0", nil, func(*observer) {}, []string{"update made", "--resume"}, true},
		{"accumulation", "adamw", func(c *Config) { c.Accumulate = 2 }, func(o *observer) { o.param("head.bias")[0] = nan }, []string{`parameter "head.bias"`, "in batch 1 of 2"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small("mlp", c.opt, filepath.Join(t.TempDir(), "run"))
			config.Schedule, config.Warmup = "constant", ""
			if c.change != nil {
				c.change(&config)
			}
			o := &observer{}
			var before []*tensor.Tensor
			o.each = func(step int) {
				if step == 3 {
					c.spoil(o)
					for _, v := range o.session.Engine.Values {
						before = append(before, v.Clone())
					}
				}
			}
			if c.opt != "adamw" {
				o.each = nil // the first step is enough
			}
			err := runSpoiled(config, o, func(e *Engine) {
				for i, v := range before {
					if !c.spoiled && string(v.Data) != string(e.Values[i].Data) {
						t.Errorf("%q was changed", e.Params[i].Name)
					}
				}
			})
			var bad *NonFinite
			if kind(err) != Diverged || !errors.As(err, &bad) || bad.Spoiled != c.spoiled {
				t.Fatalf("error %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not mention %q", err, w)
				}
			}
			again := Replay(context.Background(), filepath.Join(config.Out, "post-mortem"), 1)
			if kind(again) != Diverged || again.Error() != err.Error() {
				t.Errorf("replay says %v, the run said %v", again, err)
			}
			text, readErr := os.ReadFile(filepath.Join(config.Out, "post-mortem", "description.txt"))
			if readErr != nil || !strings.Contains(string(text), err.Error()) {
				t.Errorf("description %q, %v", text, readErr)
			}
		})
	}
}

// runSpoiled runs a configuration whose observer may reach into the optimizer, and looks at the engine in the end.
func runSpoiled(c Config, o *observer, look func(*Engine)) error {
	s, err := Open(c, true)
	if err != nil {
		return err
	}
	defer s.Close()
	r, _, err := prepare(s, o)
	if err != nil {
		return err
	}
	if err := r.open(time.Now()); err != nil {
		return err
	}
	defer r.dir.Close()
	o.session, o.trainer = s, r.trainer
	if err := r.begin(context.Background()); err != nil {
		return err
	}
	err = r.epochs(context.Background())
	look(s.Engine)
	if err == nil {
		err = r.finish()
	}
	return err
}

func (o *observer) param(name string) []float32 {
	for i, p := range o.session.Engine.Params {
		if p.Name == name {
			return o.session.Engine.Values[i].F32()
		}
	}
	return nil
}

func (o *observer) slots(prefix string) []float32 {
	for _, s := range o.trainer.opt.Slots {
		if strings.HasPrefix(s.Name, prefix) {
			return s.Tensor.F32()
		}
	}
	return nil
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// nanData is a data set whose example bad holds a NaN in one of its arrays.
type nanData struct {
	data.Dataset
	bad, array int
}

func (d nanData) Read(i int, r *data.Rand, dst []*tensor.Tensor) error {
	err := d.Dataset.Read(i, r, dst)
	if i == d.bad {
		dst[d.array].F32()[0] = float32(math.NaN())
	}
	return err
}

// onNonFinite trains on data with a bad example under a policy.
func onNonFinite(t *testing.T, policy string, array int, change func(*Config)) (string, *observer, error) {
	t.Helper()
	c := small("mlp", "adamw", filepath.Join(t.TempDir(), "run"))
	c.OnNonfinite = policy
	if change != nil {
		change(&c)
	}
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Train = nanData{s.Train, 9, array}
	o := &observer{}
	_, err = Run(context.Background(), s, time.Now(), o, false)
	return c.Out, o, err
}

func TestOnNonFinite(t *testing.T) {
	t.Run("stop", func(t *testing.T) {
		_, _, err := onNonFinite(t, "stop", 0, nil)
		if kind(err) != Diverged || !strings.Contains(err.Error(), "the data: example") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("label", func(t *testing.T) {
		_, _, err := onNonFinite(t, "stop", 1, func(c *Config) { c.Loss = "mse" })
		if kind(err) != Diverged || !strings.Contains(err.Error(), `array "label"`) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("skip", func(t *testing.T) { // once in each of the seven epochs that it now takes
		out, o, err := onNonFinite(t, "skip:7", 0, nil)
		if err != nil || len(o.warned) < 5 || !strings.Contains(o.warned[0], "left out: 1 of 7") {
			t.Fatalf("warned %q, %v", o.warned, err)
		}
		if _, lines := results(t, out); len(lines) != 20 {
			t.Errorf("%d lines of metrics", len(lines))
		}
	})
	t.Run("skip too often", func(t *testing.T) {
		_, o, err := onNonFinite(t, "skip:2", 0, nil)
		if kind(err) != Diverged || len(o.warned) != 3 { // the third tells of the post-mortem
			t.Errorf("warned %q, %v", o.warned, err)
		}
	})
	t.Run("roll back", func(t *testing.T) {
		out, o, err := onNonFinite(t, "rollback:20", 0, func(c *Config) { c.SaveEvery = "3" })
		if err != nil || len(o.warned) < 5 || !strings.Contains(o.warned[0], "back from step") {
			t.Fatalf("warned %q, %v", o.warned, err)
		}
		if _, lines := results(t, out); len(lines) != 20 || !strings.Contains(lines[19], "step=20 ") {
			t.Errorf("%d lines of metrics: %q", len(lines), lines)
		}
	})
}

// TestFailedStepChangesNothing has a first batch that is fine, and moves running statistics, before one that is not.
func TestFailedStepChangesNothing(t *testing.T) {
	c := small("resnet20", "adamw", "")
	c.NoShuffle = true
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tr, err := NewTrainer(s.Engine, &c, 10)
	if err != nil {
		t.Fatal(err)
	}
	it := data.NewLoader(nanData{s.Train, 9, 0}, data.LoaderOptions{Batch: 8}).Epoch(t.Context(), 0, 0)
	defer it.Close()
	var batches []*data.Batch
	for range 2 {
		b, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
	}
	before := s.Engine.digest()
	if _, err := tr.Step(t.Context(), batches); kind(err) != Diverged {
		t.Fatalf("error %v", err)
	}
	if s.Engine.digest() != before {
		t.Error("weights or running statistics have changed")
	}
	if _, err := tr.Step(t.Context(), batches[:1]); err != nil {
		t.Fatal(err)
	}
	if s.Engine.digest() == before {
		t.Error("a good step changes nothing")
	}
}

// TestSpoiledStateIsCaught puts a NaN into every kind of optimizer state: the step that uses it finds it, a checkpoint does
// not take it, and no state is bad for long.
func TestSpoiledStateIsCaught(t *testing.T) {
	for _, opt := range append(registry.Names(), "ifshampoo,factor_dtype=bf16") {
		t.Run(opt, func(t *testing.T) {
			c := small("", opt, "")
			c.Model = "../testdata/exports/01-batchnorm-opset14.onnx" // tiny
			s, err := Open(c, true)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			it := data.NewLoader(s.Train, data.LoaderOptions{Batch: 8}).Epoch(t.Context(), 0, 0)
			defer it.Close()
			batch, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			first, err := NewTrainer(s.Engine, &c, 10)
			if err != nil {
				t.Fatal(err)
			}
			for i, slot := range first.opt.Slots {
				tr, err := NewTrainer(s.Engine, &c, 10)
				if err != nil {
					t.Fatal(err)
				}
				before := make([]*tensor.Tensor, len(s.Engine.Values))
				for k, v := range s.Engine.Values {
					before[k] = v.Clone()
				}
				if _, err := tr.Step(t.Context(), []*data.Batch{batch}); err != nil {
					t.Fatal(err)
				}
				x := tr.opt.Slots[i].Tensor.Float64s()
				x[len(x)/2] = math.NaN()
				tr.opt.Slots[i].Tensor.SetFloat64s(x)
				if bad := tr.spoiled(1, true); bad == nil || !strings.Contains(bad.What, slot.Name) {
					t.Errorf("%s: a checkpoint would take it: %v", slot.Name, bad)
				}
				for err = nil; err == nil && tr.step < stateEvery; {
					_, err = tr.Step(t.Context(), []*data.Batch{batch})
				}
				if err == nil && tr.spoiled(tr.step, true) == nil {
					copyAll(s.Engine.Values, before)
					continue // it was computed anew, as Shampoo's roots are
				}
				name, _, _ := strings.Cut(slot.Name, "/")
				if kind(err) != Diverged || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: error %v", slot.Name, err)
				}
				copyAll(s.Engine.Values, before)
			}
		})
	}
}

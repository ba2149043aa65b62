package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// seen is what updates of the optimizer called spy were told, by parameter.
var seen struct {
	sync.Mutex
	of map[string]sight
}

type sight struct {
	lr, decay, gain float64
	every, terms    int
}

type spyConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" doc:"step size"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" doc:"decay"`
	Gain        float64 `name:"gain" range:"(0,8]" doc:"what steps are multiplied with"`
	Every       int     `name:"every" range:"[1,inf)" doc:"a whole number"`
	Careful     bool    `name:"careful" doc:"no number"`
}

// spy is gradient descent that tells.
type spy struct{ spyConfig }

func (spy) Slots(registry.ParamInfo) []registry.Slot { return nil }

func (o spy) Update(c registry.Context, p *registry.Param) error {
	seen.Lock()
	defer seen.Unlock()
	if seen.of == nil { // a test ranges over all optimizers
		seen.of = map[string]sight{}
	}
	seen.of[p.Info.Name] = sight{c.LR, c.WeightDecay, o.Gain, o.Every, c.LossTerms}
	for i, g := range p.Grad.F32() {
		p.Value.F32()[i] -= float32(c.LR*o.Gain) * g
	}
	return nil
}

func init() {
	registry.Register(registry.Info{Name: "spy", Doc: "tells what it is told"},
		spyConfig{LR: 0.1, WeightDecay: 0.5, Gain: 1, Every: 10}, func(c spyConfig) registry.Optimizer { return spy{c} })
}

// openModel opens a model with 10 examples of synthetic data.
func openModel(t *testing.T, name string, change func(*Config)) *Session {
	t.Helper()
	c := Config{Model: filepath.Join("..", "models", name+".onnx"), Loss: "auto", Init: "file", Opt: "spy", Schedule: "constant", Accumulate: 1,
		LossTerms: "batch+seq", Data: "synthetic:?n=10", Val: "synthetic:?n=10", Batch: 4, Steps: 1, Workers: 1, LogEvery: 1, NoShuffle: true}
	if change != nil {
		change(&c)
	}
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func trainerOf(t *testing.T, s *Session) *Trainer {
	t.Helper()
	seen.of = map[string]sight{}
	trainer, err := NewTrainer(s.Engine, &s.Config, s.Config.Steps)
	if err != nil {
		t.Fatal(err)
	}
	return trainer
}

// batches reads an epoch.
func batches(t *testing.T, s *Session) []*data.Batch {
	t.Helper()
	it := data.NewLoader(s.Train, data.LoaderOptions{Batch: s.Config.Batch, Workers: 1}).Epoch(context.Background(), 0, 0)
	t.Cleanup(it.Close)
	var all []*data.Batch
	for {
		b, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return all
		}
		all = append(all, b)
	}
}

func steps(t *testing.T, trainer *Trainer, batches []*data.Batch, n int) {
	t.Helper()
	for range n {
		if _, err := trainer.Step(context.Background(), batches); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGroups(t *testing.T) {
	s := openModel(t, "mlp", func(c *Config) {
		c.Group = []string{"*.bias:lr=x0.5,gain=2", "role:weight:weight_decay=x3,every=7"}
		c.NoDecay = []string{"bias", "weight"} // the second group says what its decay is
		c.Schedule, c.Steps = "cosine;weight_decay=linear;gain=linear,end=0.5;every=linear,end=0.2", 10
	})
	trainer := trainerOf(t, s)
	all := batches(t, s)
	for step := range 10 {
		steps(t, trainer, all[:1], 1)
		fall := 1 - float64(step)/10
		lr := 0.1 * 0.5 * (1 + math.Cos(math.Pi*float64(step)/10))
		for name, got := range seen.of {
			want := sight{lr: lr, decay: 1.5 * fall, gain: 1 - 0.05*float64(step), every: int(math.Round(7 * (1 - 0.08*float64(step)))), terms: 4}
			if strings.HasSuffix(name, ".bias") {
				want = sight{lr: lr / 2, gain: 2 * (1 - 0.05*float64(step)), every: int(math.Round(10 * (1 - 0.08*float64(step)))), terms: 4}
			}
			if d := math.Abs(got.lr-want.lr) + math.Abs(got.decay-want.decay) + math.Abs(got.gain-want.gain); d > 1e-12 || got.every != want.every {
				t.Errorf("step %d: %s is told %+v, want %+v", step+1, name, got, want)
			}
		}
	}
}

func TestBadGroups(t *testing.T) {
	for _, c := range []struct {
		groups   []string
		schedule Schedules
		want     string
	}{
		{[]string{"nothing*:lr=1"}, "", "matches no parameter"},
		{[]string{"*:lr=1", "*.bias:lr=2"}, "", "no effect"},
		{[]string{"*.bias"}, "", "is not GLOB:name=value"},
		{[]string{"*.bias:gian=1"}, "", `did you mean "gain"?`},
		{[]string{"*.bias:gain=9"}, "", "outside (0,8]"},
		{[]string{"*.bias:gain=x9"}, "", "outside (0,8]"},
		{[]string{"*.bias:careful=x1"}, "", "cannot be multiplied"},
		{[]string{"role:biases:lr=1"}, "", "the roles are weight, bias, norm, embedding"},
		{nil, "gian=cosine", `did you mean "gain"?`},
		{nil, "careful=cosine", "is no number"},
		{nil, "cosine;lr=linear", "two schedules"},
		{nil, "gain=step,at=0.5,gamma=0", "outside (0,8]"},
	} {
		s := openModel(t, "mlp", func(o *Config) { o.Steps = 100 })
		s.Config.Group, s.Config.Schedule = c.groups, c.schedule
		if c.schedule == "" {
			s.Config.Schedule = "constant"
		}
		_, err := NewTrainer(s.Engine, &s.Config, 100)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("groups %q, schedule %q: error %v, want %q", c.groups, c.schedule, err, c.want)
		}
	}
}

// TestGroupsAreExact checks that an optimizer in groups of the same settings computes what it does without.
func TestGroupsAreExact(t *testing.T) {
	for _, opt := range []string{"adamw", "ifshampoo", "schedulefree", "muon"} {
		var ends [2]map[string]*tensor.Tensor
		for i, groups := range [][]string{nil, {"role:bias:lr=x1", "role:weight:weight_decay=x1"}} {
			s := openModel(t, "lenet5", func(c *Config) { c.Opt, c.Group = opt, groups })
			steps(t, trainerOf(t, s), batches(t, s), 3)
			ends[i] = s.Engine.Weights()
		}
		for name, w := range ends[0] {
			if !slices.Equal(w.Data, ends[1][name].Data) {
				t.Errorf("%s: %s differs", opt, name)
			}
		}
	}
}

func TestLayerDecay(t *testing.T) {
	s := openModel(t, "vit", func(c *Config) { c.LayerDecay = 0.5 })
	trainer := trainerOf(t, s)
	steps(t, trainer, batches(t, s)[:1], 1)
	want := map[string]int{"patch.weight": 6, "position": 5, "blocks.0.norm1.bias": 5, "blocks.3.attn.qkv.weight": 2, "norm.weight": 1, "head.bias": 0}
	for i, d := range s.Engine.depths() {
		name := s.Engine.Params[i].Name
		if w, ok := want[name]; ok && d != w {
			t.Errorf("%s is at depth %d, want %d", name, d, w)
		}
		if got, want := seen.of[name].lr, 0.1*math.Pow(0.5, float64(d)); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s at depth %d has the rate %v, want %v", name, d, got, want)
		}
	}
}

// TestScheduleOfADemonstration: built-in data alone get a schedule that falls when none is asked for.
func TestScheduleOfADemonstration(t *testing.T) {
	for _, c := range []struct {
		data     string
		schedule Schedules
		want     Schedules
	}{{"", "", "cosine"}, {"", "linear", "linear"}, {"synthetic:?n=10", "", "constant"}} {
		s := openModel(t, "mlp", func(o *Config) { o.Data, o.Schedule = c.data, c.schedule })
		if got := s.Config.Schedule; got != c.want {
			t.Errorf("data %q, schedule %q: trains with %q, want %q", c.data, c.schedule, got, c.want)
		}
	}
}

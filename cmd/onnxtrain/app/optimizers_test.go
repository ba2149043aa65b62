package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
)

func TestDescribeCostsOfAModel(t *testing.T) {
	var d struct {
		Name string
		Cost struct {
			Elements   int     `json:"elements"`
			StateBytes int64   `json:"state_bytes"`
			FLOPs      float64 `json:"flops"`
		}
	}
	for opt, want := range map[string]struct {
		state int64 // bytes an element of the MLP
		flops float64
	}{"adamw": {8, 13}, "sgd": {0, 4}, "sgd,momentum=0.9": {4, 6}} {
		out := runOK(t, "optimizers", "describe", opt, "--model", models+"mlp.onnx", "--json")
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatal(err)
		}
		const elements = 784*256 + 256 + 256*10 + 10
		if c := d.Cost; c.Elements != elements || c.StateBytes != want.state*elements || c.FLOPs != want.flops*elements {
			t.Errorf("%s costs %+v", opt, c)
		}
	}
	text := runOK(t, "optimizers", "describe", "ifshampoo", "--model", models+"mlp.onnx")
	for _, want := range []string{"https://arxiv.org/abs/2402.03496", "alpha2", "hidden.weight", "FLOPs an update", "times the weights"} {
		if !strings.Contains(text, want) {
			t.Errorf("the description lacks %q:\n%s", want, text)
		}
	}
}

func TestBenchOptimizers(t *testing.T) {
	var r struct {
		Threads int `json:"threads"`
		Updates []struct {
			Optimizer string
			MS        float64
			Min       float64 `json:"ms_min"`
			Max       float64 `json:"ms_max"`
			Elements  int
		}
	}
	out := runOK(t, "optimizers", "bench", "--shapes", "12x7*2,5,4x3x3x3", "--updates", "3", "--threads", "1", "--json")
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Updates) != len(registry.Names()) || r.Threads != 1 {
		t.Fatalf("%d optimizers on %d threads", len(r.Updates), r.Threads)
	}
	for _, u := range r.Updates {
		if u.Elements != 2*84+5+108 || !(0 < u.Min && u.Min <= u.MS && u.MS <= u.Max) {
			t.Errorf("%+v", u)
		}
	}
	for _, bad := range []string{"12xx7", "12*0", "a", "0x3", "12x7,", "99999999999x99999999999"} {
		if text := runFails(t, 2, "optimizers", "bench", "sgd", "--shapes", bad); !strings.Contains(text, "--shapes") {
			t.Errorf("--shapes %s: %s", bad, text)
		}
	}
}

package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// TestOldCheckpoints resumes the runs in testdata/checkpoints, which earlier versions have written and which stay as they
// are: each has a checkpoint at its third step, and the losses of six. To add one for a new format, make a run of
// oldRun's configuration, remove what comes after the third checkpoint, and keep the others.
func TestOldCheckpoints(t *testing.T) {
	for _, run := range glob(t, filepath.Join("testdata", "checkpoints", "*")) {
		t.Run(filepath.Base(run), func(t *testing.T) {
			out := t.TempDir()
			if err := os.CopyFS(out, os.DirFS(run)); err != nil {
				t.Fatal(err)
			}
			want := losses(t, filepath.Join(run, "metrics.jsonl"))
			c, found, err := ResumeConfig(out, "")
			if err != nil || !found {
				t.Fatal(found, err)
			}
			r, o := trained(t, c, 0)
			if r.Steps != 6 || o.session.Config.Opt != "adamw" {
				t.Errorf("%d steps with %s", r.Steps, o.session.Config.Opt)
			}
			for _, w := range o.warned { // of another CPU, at most
				if !strings.Contains(w, "last bits") {
					t.Errorf("warned: %s", w)
				}
			}
			have := losses(t, filepath.Join(out, "metrics.jsonl"))
			if len(have) != 6 || len(want) != 6 {
				t.Fatalf("%d losses, want %d", len(have), len(want))
			}
			for i, l := range have {
				if math.Abs(l-want[i]) > 1e-4*want[i] {
					t.Errorf("step %d: loss %v, want %v", i+1, l, want[i])
				}
			}
		})
	}
	// A setting that came later has its default, which is what the run had.
	var c Config
	if c.fill(); c.Loss != "auto" || c.Schedule != "constant" || c.SaveEvery != "" {
		t.Errorf("%+v", c)
	}
	// There is one of every format.
	if _, err := os.Stat(filepath.Join("testdata", "checkpoints", "format1")); err != nil || checkpoint.Format != 1 {
		t.Errorf("format %d has no run in testdata: %v", checkpoint.Format, err)
	}
}

func TestSameOptimizer(t *testing.T) {
	for _, c := range []struct {
		saved, now string
		want       bool
	}{
		{"sgd,lr=0.1", "sgd,lr=0.2", false},
		{"muon,lr=0.1", "sgd,lr=0.1", false},
		{"gone,lr=0.1", "gone,lr=0.1", false},
	} {
		if have := sameOptimizer(c.saved, c.now); have != c.want {
			t.Errorf("%s and %s: %v", c.saved, c.now, have)
		}
	}
	for _, name := range registry.Names() {
		e, err := registry.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		_, h, err := e.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if now := h.String(); !sameOptimizer(now, now) || !sameOptimizer(name, now) {
			t.Errorf("%s is not itself", now)
		}
	}
}

// oldRun is small enough to be kept for ever.
func oldRun(out string) Config {
	c := small("", "adamw", out)
	c.Model, c.SaveEvery, c.Keep, c.Steps = "../testdata/exports/01-batchnorm-opset14.onnx", "3", 9, 6
	return c
}

// TestOldRunIsCurrent makes such a run, so that its configuration stays one that can be made.
func TestOldRunIsCurrent(t *testing.T) {
	c := oldRun(filepath.Join(t.TempDir(), "run"))
	trained(t, c, 0)
	if have := glob(t, filepath.Join(c.Out, "checkpoints", "*")); len(have) != 2 {
		t.Errorf("checkpoints %q", have)
	}
}

func losses(t *testing.T, file string) []float64 {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []float64
	for line := range strings.Lines(string(b)) {
		var m Metrics
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Loss)
	}
	return list
}

package compare

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/train"
)

// TestBadStudies are refused before the first step and before anything is written.
func TestBadStudies(t *testing.T) {
	for _, c := range []struct {
		name string
		kind train.Kind
		edit func(*Study)
		want []string
	}{
		{"no optimizer", train.Usage, func(s *Study) { s.Optimizers = nil }, []string{"--opts"}},
		{"unknown optimizer", train.Usage, func(s *Study) { s.Optimizers[1] = "adamv" }, []string{"adamv", "adamw"}},
		{"unknown setting", train.Usage, func(s *Study) { s.Optimizers[1] = "adamw,bta1=0.9" }, []string{"bta1", "beta1"}},
		{"setting out of range", train.Usage, func(s *Study) { s.Optimizers[1] = "adamw,beta1=2" }, []string{"beta1", "[0,1)"}},
		{"the same twice", train.Usage, func(s *Study) { s.Optimizers[1] = "sgd" }, []string{"sgd", "twice"}},
		{"unknown precision", train.Usage, func(s *Study) { s.Optimizers[1] = "adamw,dtype=f16" }, []string{"adamw,dtype=f16", "bf16, f32, f64"}},
		{"precision twice", train.Usage, func(s *Study) { s.Optimizers[1] = "adamw,dtype=f32,dtype=bf16" }, []string{"dtype", "twice"}},
		{"range without end", train.Usage, func(s *Study) { s.Tune = []string{"lr=1e-3"} }, []string{"lr=1e-3", ".."}},
		{"range upside down", train.Usage, func(s *Study) { s.Tune = []string{"lr=1..0.1"} }, []string{"lr=1..0.1"}},
		{"range of no number", train.Usage, func(s *Study) { s.Tune = []string{"lr=a..b"} }, []string{"lr=a..b"}},
		{"unknown scale", train.Usage, func(s *Study) { s.Tune = []string{"lr=0.1..1:cubic"} }, []string{"cubic", "linear"}},
		{"logarithm of zero", train.Usage, func(s *Study) { s.Tune = []string{"lr=0..1:log"} }, []string{"logarithmic"}},
		{"range outside", train.Usage, func(s *Study) { s.Tune = []string{"momentum=0.5..1.5"} }, []string{"momentum", "[0,1)"}},
		{"unknown dimension", train.Usage, func(s *Study) { s.Tune = []string{"momentun=0.5..0.9"} }, []string{"momentun", `"momentum"`}},
		{"unknown dimension alone", train.Usage, func(s *Study) { s.TuneOnly = []string{"lrr"} }, []string{"lrr"}},
		{"range of another optimizer", train.Usage, func(s *Study) { s.Tune = []string{"lion.lr=0.5..0.9"} }, []string{"lion"}},
		{"range of a choice", train.Usage, func(s *Study) { s.Optimizers = []string{"sgd"}; s.Tune = []string{"nesterov=0..1"} }, []string{"nesterov", "boolean"}},
		{"fixed and searched", train.Usage, func(s *Study) { s.Optimizers = []string{"sgd,lr=1"}; s.Tune = []string{"sgd.lr=0.1..1"} }, []string{"sgd.lr", "fixed"}},
		{"bad target", train.Usage, func(s *Study) { s.Target = "top1>=98" }, []string{"top1>=98", "top1>=0.98"}},
		{"unknown protocol", train.Usage, func(s *Study) { s.Protocol = "grid" }, []string{"grid", "paper"}},
		{"unknown rule", train.Usage, func(s *Study) { s.Stop = "never" }, []string{"never", "median"}},
		{"no trials", train.Usage, func(s *Study) { s.Trials = -1 }, []string{"--trials"}},
		{"steps and epochs", train.Usage, func(s *Study) { s.Train.Epochs = 1 }, []string{"--steps", "--epochs"}},
		{"test from the training data", train.Usage, func(s *Study) { s.Test = "split=0.1" }, []string{"--test"}},
		{"no model", train.BadModel, func(s *Study) { s.Train.Model = "nowhere.onnx" }, []string{"nowhere.onnx"}},
		{"no data", train.BadData, func(s *Study) { s.Train.Data = "npz:nowhere.npz" }, []string{"nowhere.npz"}},
		{"no test data", train.BadData, func(s *Study) { s.Test = "npz:nowhere.npz" }, []string{"nowhere.npz"}},
		{"group of nothing", train.Usage, func(s *Study) { s.Train.Group = []string{"nothing.*:lr=0.1"} }, []string{"nothing.*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := small(t)
			s.Out = filepath.Join(s.Out, "new")
			c.edit(&s)
			_, err := Run(context.Background(), s, &watcher{})
			var f *train.Failure
			if !errors.As(err, &f) || f.Kind != c.kind {
				t.Fatalf("got %v, want a failure of kind %d", err, c.kind)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not mention %q", err, w)
				}
			}
			if _, err := os.Stat(s.Out); err == nil {
				t.Error("something was written")
			}
		})
	}
}

func TestDirectoryOfAnotherStudy(t *testing.T) {
	s := small(t)
	s.Optimizers, s.Trials, s.Seeds = s.Optimizers[:1], 1, 1
	mustRun(t, s)
	other := s
	other.Train.Batch = 8
	_, err := Run(context.Background(), other, &watcher{})
	if err == nil || !strings.Contains(err.Error(), "batch is 16 there and 8 here") || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("got %v", err)
	}
	same := s
	same.Train.Threads, same.Jobs = 2, 3
	if _, w := mustRun(t, same); len(w.fresh) != 0 || w.old != 1 {
		t.Errorf("the same study: %d trials run, %d found", len(w.fresh), w.old)
	}
	other.Overwrite = true
	if _, w := mustRun(t, other); len(w.fresh) != 1 {
		t.Errorf("with --overwrite %d trials are run", len(w.fresh))
	}

	record := filepath.Join(s.Out, "trials", "00-sgd-final-000.json")
	if err := os.WriteFile(record, []byte(`{"optimizer":`), 0o666); err != nil {
		t.Fatal(err)
	}
	other.Overwrite = false
	if _, err := Run(context.Background(), other, &watcher{}); err == nil || !strings.Contains(err.Error(), record) {
		t.Errorf("a damaged record: %v", err)
	}

	run := t.TempDir()
	if err := os.WriteFile(filepath.Join(run, "metrics.jsonl"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s.Out = run
	if _, err := Run(context.Background(), s, &watcher{}); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("the directory of a run: %v", err)
	}
}

package app

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// form is a recording in testdata/forms: the flags, and what PyTorch computes under them.
type form struct {
	Flags   []string
	Losses  []float64
	ValLoss float64 `json:"val_loss"`
}

func formFile(name string) string {
	return filepath.Join("..", "..", "..", "testdata", "forms", name)
}

// trainForm trains as the recording did, with more flags, and returns the run directory.
func trainForm(t *testing.T, name string, flags ...string) string {
	t.Helper()
	out := t.TempDir()
	runOK(t, append(trainFormArgs(name, out), flags...)...)
	return out
}

func trainFormArgs(name, out string) []string {
	return []string{"train", "--model", formFile(name + ".onnx"), "--data", "npz:" + formFile(name+".npz"), "--opt", "sgd,lr=0.1",
		"--no-shuffle", "--batch", "4", "--steps", "5", "--log-every", "1", "--progress", "none", "--out", out}
}

// TestForms compares five steps on every form of model and flag with PyTorch.
func TestForms(t *testing.T) {
	files, err := filepath.Glob(formFile("*.json"))
	if err != nil || len(files) < 21 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var f form
			if err := json.Unmarshal(b, &f); err != nil {
				t.Fatal(err)
			}
			flags := slices.Clone(f.Flags)
			if f.ValLoss != 0 {
				flags = append(flags, "--val", "npz:"+formFile(name+".val.npz"))
			}
			out := trainForm(t, name, flags...)
			all := readMetrics(t, filepath.Join(out, "metrics.jsonl"))
			if len(all) != len(f.Losses) {
				t.Fatalf("%d steps were logged", len(all))
			}
			for i, m := range all {
				if d := math.Abs(m.Loss - f.Losses[i]); !(d <= 2e-5) {
					t.Errorf("step %d: loss %.7f, PyTorch %.7f", i+1, m.Loss, f.Losses[i])
				}
			}
			if got := all[len(all)-1].ValLoss; f.ValLoss != 0 && !(math.Abs(got-f.ValLoss) <= 2e-5) {
				t.Errorf("validation loss %.7f, PyTorch %.7f", got, f.ValLoss)
			}
		})
	}
}

package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestCompare(t *testing.T) {
	out := filepath.Join(t.TempDir(), "study")
	args := []string{"compare", "--model", models + "mlp.onnx", "--data", "synthetic:?n=64", "--opts", "sgd,adamw", "--opt", "sgd,momentum=0.5",
		"--tune", "lr=1e-3..1e-1", "--tune-only", "lr", "--budget", "steps=8,trials=3,seeds=2", "--batch", "16", "--out", out}
	text := runOK(t, args...)
	for _, want := range []string{"adamw", "sgd,momentum=0.5", "steps to target", "best median accuracy", "had 3 trials of random search"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	var report struct {
		Steps      int
		Optimizers []struct {
			Best  string
			Space []struct{ Name string }
		}
	}
	// The same command again only prints.
	if err := json.Unmarshal([]byte(runOK(t, append(args, "--format", "json")...)), &report); err != nil {
		t.Fatal(err)
	}
	if report.Steps != 8 || len(report.Optimizers) != 3 || len(report.Optimizers[0].Space) != 1 {
		t.Errorf("%+v", report)
	}
	for _, name := range []string{"report.html", "report.svg", "report.md", "report.csv", "report.json", "report.txt", "trials.csv", "study.yaml"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := runFails(t, 2, append(args, "--seed", "1")...); !strings.Contains(text, "seed is 0 there and 1 here") {
		t.Errorf("another seed in the same folder:\n%s", text)
	}
}

// TestCompareExample parses the command that made the report in docs/compare.
func TestCompareExample(t *testing.T) {
	b, err := os.ReadFile("../../../docs/compare/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(b), "\nonnxtrain ")
	line, _, _ = strings.Cut(line, "\n")
	var c cli
	parser, err := kong.New(&c, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(words(line)); err != nil || !found {
		t.Fatalf("onnxtrain %s: %v", line, err)
	}
	s, err := c.Compare.study()
	if err != nil || len(s.Optimizers) != 6 || s.Seeds != 3 || s.Trials != 12 || s.Train.Steps != 1000 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestCompareBadInput(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--opts sgd,adamv", `"adam"`},
		{"--opts sgd --budget steps=2,tries=3", "tries=3"},
		{"--opts sgd --budget steps=2 --steps 3", "twice"},
		{"--opts sgd --jobs 0", "--jobs"},
		{"--opts sgd --tune lr=0..1:log", "logarithmic"},
		{"", "--opts"},
	} {
		out := filepath.Join(t.TempDir(), "new")
		text := runFails(t, 2, append([]string{"compare", "--model", models + "mlp.onnx", "--out", out}, strings.Fields(c.args)...)...)
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: the message does not mention %q:\n%s", c.args, c.want, text)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: something was written", c.args)
		}
	}
}

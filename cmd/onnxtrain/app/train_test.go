package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
)

func modelFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(models + "*.onnx")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	return files
}

// TestEveryOptimizerOnEveryModel changes --opt alone: losses and gradients stay finite, and a file is written.
func TestEveryOptimizerOnEveryModel(t *testing.T) {
	for _, model := range modelFiles(t) {
		for _, name := range registry.Names() {
			t.Run(filepath.Base(model)+"/"+name, func(t *testing.T) {
				out := t.TempDir()
				runOK(t, "--model", model, "--opt", name, "--data", "synthetic:?n=16", "--batch", "8", "--steps", "3", "--log-every", "1", "--out", out)
				all := readMetrics(t, filepath.Join(out, "metrics.jsonl"))
				if len(all) != 3 {
					t.Fatalf("metrics %+v", all)
				}
				for _, m := range all {
					if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) || !(m.GradNorm > 0) {
						t.Errorf("metrics %+v", m)
					}
				}
			})
		}
	}
}

// TestEvalAgrees trains on built-in data and scores what was written.
func TestEvalAgrees(t *testing.T) {
	out := t.TempDir()
	stdout := runOK(t, "--model", models+"lenet5.onnx", "--opt", "adamw", "--steps", "40", "--batch", "32", "--eval-every", "20", "--out", out)
	best := filepath.Join(out, "best.onnx")
	if strings.TrimSpace(stdout) != best {
		t.Errorf("stdout is %q, want the path of the model", stdout)
	}
	var score struct{ Loss, Top1, Top5, Examples float64 }
	if err := json.Unmarshal([]byte(runOK(t, "eval", "--model", best, "--json")), &score); err != nil {
		t.Fatal(err)
	}
	top := 0.0
	for _, m := range readMetrics(t, filepath.Join(out, "metrics.jsonl")) {
		top = math.Max(top, m.ValTop1)
	}
	if score.Top1 != top {
		t.Errorf("eval scores %v, the run said %v", score.Top1, top)
	}
	if score.Top1 < 0.2 {
		t.Errorf("accuracy %v after 40 steps", score.Top1)
	}
	if text := runOK(t, "eval", "--model", out); !strings.Contains(text, "top1") {
		t.Errorf("eval of the run says %q", text)
	}
}

// TestSameBitsForAnyThreads trains with dropout, augmentation-free data and BatchNorm on one, two and three threads.
func TestSameBitsForAnyThreads(t *testing.T) {
	for _, c := range []struct{ model, opt string }{{"resnet20", "ifshampoo"}, {"vit", "shampoo"}, {"gpt", "adamw"}, {"lenet5", "sgd"}} {
		t.Run(c.model, func(t *testing.T) {
			var first []byte
			for threads := 1; threads <= 3; threads++ {
				out := t.TempDir()
				runOK(t, "--model", models+c.model+".onnx", "--opt", c.opt, "--data", "synthetic:?n=24", "--batch", "8", "--steps", "4",
					"--threads", fmt.Sprint(threads), "--workers", fmt.Sprint(threads), "--out", out)
				b, err := os.ReadFile(filepath.Join(out, "last.onnx"))
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = b
				}
				if !bytes.Equal(b, first) {
					t.Errorf("%d threads give other weights than one", threads)
				}
			}
		})
	}
}

// TestConfigFile repeats a run from its config.yaml; a flag wins over the file.
func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	runOK(t, "--model", models+"mlp.onnx", "--opt", "rfrmsprop,lr=0.002", "--data", "synthetic:?n=64", "--batch", "16", "--steps", "4",
		"--clip-norm", "1", "--schedule", "cosine", "--warmup", "2", "--no-decay", "bias,norm", "--out", a)
	runOK(t, "--config", filepath.Join(a, "config.yaml"), "--out", b)
	first, err := os.ReadFile(filepath.Join(a, "last.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(b, "last.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("a run from config.yaml gives other weights")
	}
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("model: x.onnx\nbatch_size: 4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if text := runFails(t, 2, "--config", bad); !strings.Contains(text, "batch_size") {
		t.Errorf("message does not name the unknown key:\n%s", text)
	}
}

func TestInspect(t *testing.T) {
	var r struct {
		Operators []struct{ Type, Forward, Gradient, Kernel string }
		Trainable bool
		Why       string
	}
	files := modelFiles(t)
	more, _ := filepath.Glob(filepath.Join("..", "..", "..", "..", "shared", "models", "*.onnx"))
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if err := json.Unmarshal([]byte(runOK(t, "inspect", file, "--json", "--batch", "4")), &r); err != nil {
				t.Fatal(err)
			}
			if !r.Trainable || len(r.Operators) == 0 {
				t.Errorf("not trainable: %s", r.Why)
			}
			for _, o := range r.Operators {
				if o.Forward != "yes" || o.Kernel == "" {
					t.Errorf("%+v", o)
				}
			}
		})
	}
	if text := runOK(t, "inspect", models+"vit.onnx", "--after", "recognise"); !strings.Contains(text, "LayerNormalization-17") {
		t.Errorf("no LayerNormalization after recognise:\n%.2000s", text)
	}
}

// TestSharedModelsTakeAStep trains every export in the shared folder for two steps.
func TestSharedModelsTakeAStep(t *testing.T) {
	folder := shared(t, "models")
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out := t.TempDir()
			runOK(t, "--model", file, "--opt", "sgd,lr=0.01", "--data", "synthetic:?n=16", "--batch", "8", "--steps", "2", "--log-every", "1", "--out", out)
			for _, m := range readMetrics(t, filepath.Join(out, "metrics.jsonl")) {
				if math.IsNaN(m.Loss) || math.IsInf(m.Loss, 0) || !(m.GradNorm > 0) || math.IsInf(m.GradNorm, 0) {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

func TestBench(t *testing.T) {
	var r map[string]any
	if err := json.Unmarshal([]byte(runOK(t, "bench", "--model", models+"mlp.onnx", "--batch", "8", "--steps", "2", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ms_per_step", "ms_min", "samples_per_s", "forward_ms", "backward_ms", "optimizer_ms", "plan_bytes", "rss_bytes", "gflops"} {
		if v, ok := r[key].(float64); !ok || v < 0 {
			t.Errorf("%s is %v", key, r[key])
		}
	}
}

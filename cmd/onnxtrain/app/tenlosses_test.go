package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// recording is a recording of ten training steps by PyTorch.
type recording struct {
	Data  string
	Batch int
	Runs  []struct {
		Opt    string
		Hyper  map[string]any
		Losses []float64          `json:"losses_f32"`
		Exact  []float64          `json:"losses_f64"`
		Norm0  map[string]float64 `json:"grad_norm_step0"`
	}
}

// shared is the folder of data that lies beside the repository; tests that want it skip without.
func shared(t *testing.T, path ...string) string {
	t.Helper()
	file := filepath.Join(append([]string{"..", "..", "..", "..", "shared"}, path...)...)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not there", filepath.Join(append([]string{"shared"}, path...)...))
	}
	return file
}

// TestTenLosses trains each model of the recordings with the command line and compares every loss with PyTorch's, and
// the norm of the first gradient.
func TestTenLosses(t *testing.T) {
	folder := shared(t, "golden", "training")
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != 9 {
		t.Fatalf("%d recordings, %v; there should be 9", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".json")])
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g recording
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		for _, r := range g.Runs {
			t.Run(name+"/"+r.Opt, func(t *testing.T) {
				opt := r.Opt
				for k, v := range r.Hyper {
					opt += fmt.Sprintf(",%s=%v", k, v)
				}
				out := t.TempDir()
				runOK(t, "train", "--model", filepath.Join(folder, name+".train.onnx"), "--opt", opt,
					"--data", "npz:"+filepath.Join(folder, g.Data), "--no-shuffle", "--batch", fmt.Sprint(g.Batch),
					"--steps", "10", "--log-every", "1", "--out", out)
				var squares float64
				for _, n := range r.Norm0 {
					squares += n * n
				}
				for i, m := range readMetrics(t, filepath.Join(out, "metrics.jsonl")) {
					tol := math.Max(1e-5, 5*math.Abs(r.Losses[i]-r.Exact[i]))
					if d := math.Abs(m.Loss - r.Exact[i]); !(d <= tol) && !(math.Abs(m.Loss-r.Losses[i]) <= tol) {
						t.Errorf("step %d: loss %.8f, PyTorch %.8f (float64 %.8f), differs by %.1e, allowed %.1e", i+1, m.Loss, r.Losses[i], r.Exact[i], d, tol)
					}
					// A rectifier whose input is within rounding of 0 moves the norm of a deep network by some 1e-4.
					if want := math.Sqrt(squares); i == 0 && squares > 0 && !(math.Abs(m.GradNorm-want) <= 1e-3*want) {
						t.Errorf("gradient norm %.8g, PyTorch %.8g", m.GradNorm, want)
					}
				}
			})
		}
	}
}

type metrics struct {
	Step     int
	Loss     float64
	GradNorm float64 `json:"grad_norm"`
	ValTop1  float64 `json:"val_top1"`
}

func readMetrics(t *testing.T, file string) []metrics {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []metrics
	for s := bufio.NewScanner(f); s.Scan(); {
		var m metrics
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// runOK runs a command that must succeed and returns what it prints on stdout.
func runOK(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != 0 {
		t.Fatalf("onnxtrain %v: exit code %d\n%s", args, code, stderr.Bytes())
	}
	return stdout.String()
}

// runFails runs a command that must end with a code and returns what it prints on stderr.
func runFails(t *testing.T, code int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(args, &stdout, &stderr); got != code {
		t.Fatalf("onnxtrain %v: exit code %d, want %d\n%s", args, got, code, stderr.Bytes())
	}
	return stderr.String()
}

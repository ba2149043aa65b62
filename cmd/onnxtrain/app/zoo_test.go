package app

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// zooModel is an export below testdata/zoo: a model of any kind, by one of PyTorch's exporters, with PyTorch's losses.
type zooModel struct {
	recording
	Model, Exporter, Form string
	Steps                 int
	Flags                 []string

	name, folder string
}

func zoo(t *testing.T) []zooModel {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "testdata", "zoo")
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d recordings, %v; there should be more than 50", len(files), err)
	}
	var models []zooModel
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := zooModel{name: strings.TrimSuffix(filepath.Base(file), ".json"), folder: folder}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		models = append(models, m)
	}
	return models
}

// train runs the command on the recorded batches.
func (m zooModel) train(t *testing.T, r recordedRun, steps int, out string, more ...string) []metrics {
	t.Helper()
	args := []string{"train", "--model", filepath.Join(m.folder, m.name+".onnx"), "--opt", r.spec(), "--data", m.data(), "--no-shuffle",
		"--batch", fmt.Sprint(m.Batch), "--steps", fmt.Sprint(steps), "--log-every", "1", "--out", out, "--threads", "1"}
	runOK(t, slices.Concat(args, m.Flags, more)...)
	return slices.DeleteFunc(readMetrics(t, filepath.Join(out, "metrics.jsonl")), func(x metrics) bool { return x.Loss == 0 && x.GradNorm == 0 })
}

func (m zooModel) data() string { return "npz:" + filepath.Join(m.folder, m.Data) }

// spec is the optimizer as --opt takes it.
func (r recordedRun) spec() string {
	opt := r.Opt
	for k, v := range r.Hyper {
		opt += fmt.Sprintf(",%s=%v", k, v)
	}
	return opt
}

// TestZoo trains every model with every recorded optimizer, in float32 as TestTenLosses does, and two steps in float64; a
// recording of one step is of a file that lost something of the model, such as BatchNormalization. The trained file then
// evaluates to the loss that the run found on the same data.
func TestZoo(t *testing.T) {
	for _, m := range zoo(t) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join(m.folder, m.name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			chaotic := strings.Contains(string(b), "BatchNormalization")
			for k, r := range m.Runs {
				out := t.TempDir()
				m.follow32(t, r, out, chaotic)
				for i, x := range m.train(t, r, min(m.Steps, 2), t.TempDir(), "--dtype", "f64") {
					if d := math.Abs(x.Loss - r.Exact[i]); !(d <= 1e-6) {
						t.Errorf("%s, float64, step %d: loss %.10f, PyTorch %.10f, differs by %.1e", r.Opt, i+1, x.Loss, r.Exact[i], d)
					}
				}
				if k == 0 {
					m.reload(t, out)
				}
			}
		})
	}
}

func (m zooModel) follow32(t *testing.T, r recordedRun, out string, chaotic bool) {
	t.Helper()
	losses := m.train(t, r, m.Steps, out, "--val", m.data())
	if len(losses) != m.Steps || len(r.Losses) != m.Steps {
		t.Fatalf("%s: %d steps are logged, %d recorded; there should be %d", r.Opt, len(losses), len(r.Losses), m.Steps)
	}
	for i, x := range losses {
		tol := r.tolerance(i, i)
		if chaotic && i > 0 {
			tol = r.tolerance(i-1, i+1)
		}
		if d := math.Min(math.Abs(x.Loss-r.Exact[i]), math.Abs(x.Loss-r.Losses[i])); !(d <= tol) {
			t.Errorf("%s, step %d: loss %.8f, PyTorch %.8f (float64 %.8f), differs by %.1e, allowed %.1e", r.Opt, i+1, x.Loss,
				r.Losses[i], r.Exact[i], d, tol)
		}
	}
}

// reload evaluates the last.onnx of a run, which has to give the loss that the run's validation found with these weights.
func (m zooModel) reload(t *testing.T, out string) {
	t.Helper()
	var last struct {
		Loss float64 `json:"val_loss"`
	}
	for _, line := range strings.Split(readFile(t, filepath.Join(out, "metrics.jsonl")), "\n") {
		if strings.Contains(line, "val_loss") {
			if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Fatal(err)
			}
		}
	}
	var found struct{ Loss float64 }
	flags := m.evalFlags()
	text := runOK(t, append([]string{"eval", "--model", filepath.Join(out, "last.onnx"), "--data", m.data(), "--batch", fmt.Sprint(m.Batch), "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if last.Loss == 0 || !(math.Abs(found.Loss-last.Loss) <= 1e-6*math.Abs(last.Loss)) {
		t.Errorf("the trained file evaluates to a loss of %.8f, the run found %.8f", found.Loss, last.Loss)
	}
}

// evalFlags are the flags that evaluation has too.
func (m zooModel) evalFlags() []string {
	var flags []string
	for i := 0; i+1 < len(m.Flags); i += 2 {
		if m.Flags[i] == "--loss" || m.Flags[i] == "--inputs" {
			flags = append(flags, m.Flags[i], m.Flags[i+1])
		}
	}
	return flags
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package app

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile"
)

var optimizerFiles = filepath.Join("..", "..", "..", "examples", "optimizers")

// TestTenLossesOfOptimizerFiles trains with sgd.onnx and adamw.onnx and compares the losses with PyTorch's, as
// TestTenLosses does with the built-in optimizers; ONNXTRAIN_LONG=1 takes all recorded models.
func TestTenLossesOfOptimizerFiles(t *testing.T) {
	folder, names := filepath.Join("..", "..", "..", "testdata", "training"), []string{"lenet5", "chargpt-micro"}
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		folder, names = shared(t, "golden", "training"), nil
		for name := range recordings(t) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var g recording
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		if len(g.Runs) != 2 {
			t.Fatalf("%s: %d recorded runs", name, len(g.Runs))
		}
		for k, r := range g.Runs {
			t.Run(name+"/"+r.Opt, func(t *testing.T) {
				g.Runs[k].Opt = filepath.Join(optimizerFiles, r.Opt+".onnx")
				all := g.followIn(t, folder, name, k, "--steps", "10")
				if len(all) != 10 {
					t.Fatalf("%d steps are logged", len(all))
				}
				for i, m := range all {
					// Neighbouring steps give the scale where BatchNorm makes training chaotic; see TestTenLosses.
					tol := r.tolerance(i, i)
					if strings.Contains(name, "resnet") && i > 0 {
						tol = r.tolerance(i-1, i+1)
					}
					if d := math.Min(math.Abs(m.Loss-r.Exact[i]), math.Abs(m.Loss-r.Losses[i])); !(d <= tol) {
						t.Errorf("step %d: loss %.8f, PyTorch %.8f, differs by %.1e, allowed %.1e", i+1, m.Loss, r.Losses[i], d, tol)
					}
				}
			})
		}
	}
}

// TestOptimizerFileCommands shows files to every command that takes optimizers.
func TestOptimizerFileCommands(t *testing.T) {
	lion := filepath.Join(optimizerFiles, "lion.onnx")
	b, err := os.ReadFile(lion)
	if err != nil {
		t.Fatal(err)
	}
	plugins := t.TempDir()
	if err := os.WriteFile(filepath.Join(plugins, "lion2.onnx"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(plugins, "broken.onnx"), b[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ONNXTRAIN_PLUGINS", plugins)

	if list := runOK(t, "optimizers", "list"); !strings.Contains(list, filepath.Join(plugins, "lion2.onnx")) || !strings.Contains(list, "adamw") {
		t.Errorf("the list:\n%s", list)
	}
	var listed []struct{ Name, Origin, Digest string }
	if err := json.Unmarshal([]byte(runOK(t, "optimizers", "list", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, o := range listed {
		found = found || o.Name == "lion2" && o.Origin == filepath.Join(plugins, "lion2.onnx") && len(o.Digest) == 64
	}
	if !found {
		t.Errorf("the list as JSON: %+v", listed)
	}
	for _, name := range []string{lion, "lion2"} {
		text := runOK(t, "optimizers", "describe", name, "--model", models+"mlp.onnx")
		for _, want := range []string{"the sign of an interpolated momentum", "SHA-256 ", "beta1", "1.00 times the weights"} {
			if !strings.Contains(text, want) {
				t.Errorf("the description of %s lacks %q:\n%s", name, want, text)
			}
		}
		out := runOK(t, "optimizers", "bench", "lion", name+",beta1=0.8", "--shapes", "12x7,5", "--updates", "2", "--json")
		var r struct {
			Updates []struct {
				Optimizer string
				MS        float64
				Elements  int
			}
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Updates) != 2 || r.Updates[1].Optimizer != name+",beta1=0.8" || r.Updates[1].Elements != 89 || !(r.Updates[1].MS > 0) {
			t.Errorf("bench of %s: %s", name, out)
		}
	}
	golden := filepath.Join("..", "..", "..", "optimizers", "golden", "testdata", "cases.json")
	if text := runOK(t, "optimizers", "check", "--golden", golden, lion); strings.Count(text, "ok ") == 0 || strings.Contains(text, "FAIL") {
		t.Errorf("check says\n%s", text)
	}
	for _, args := range [][]string{{"optimizers", "bench"}, {"optimizers", "describe"}, {"bench"}, {"train"}} {
		if help := strings.Join(strings.Fields(runOK(t, append(args, "--help")...)), " "); !strings.Contains(help, "ONNX file") {
			t.Errorf("%v --help says nothing of files:\n%s", args, help)
		}
	}
	if text := runFails(t, 2, "optimizers", "describe", "broken"); !strings.Contains(text, "broken.onnx") {
		t.Error(text)
	}
	run := filepath.Join(t.TempDir(), "run")
	runOK(t, "--model", models+"mlp.onnx", "--opt", "lion2,lr=0.001", "--steps", "3", "--batch", "4", "--out", run)
	if err := os.WriteFile(filepath.Join(plugins, "lion2.onnx"), []byte(strings.Replace(string(b), "Sign", "Tanh", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := runFails(t, 2, "--resume", run, "--steps", "6"); !strings.Contains(text, "--changed-optimizer") {
		t.Error(text)
	}
	runOK(t, "--resume", run, "--steps", "6", "--changed-optimizer", "--log-every", "1")
	all := readMetrics(t, filepath.Join(run, "metrics.jsonl"))
	if fmt.Sprint(all[len(all)-1].Step) != "6" {
		t.Errorf("it ends with %+v", all[len(all)-1])
	}
}

package app

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestResumeFlag goes on from runs by their settings alone.
func TestResumeFlag(t *testing.T) {
	dir := t.TempDir()
	model, err := filepath.Abs(models + "mlp.onnx")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if text := runFails(t, 2, "--resume", "auto"); !strings.Contains(text, "--model") {
		t.Errorf("no run: the message does not say what to do:\n%s", text)
	}
	runOK(t, "--resume", "auto", "--model", model, "--opt", "lion,lr=0.001", "--data", "synthetic:?n=40", "--batch", "16", "--steps", "5", "--clip-norm", "1", "--time", "1h")
	runs, err := filepath.Glob("runs/*")
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %q, %v", runs, err)
	}
	steps := func() int {
		all := readMetrics(t, filepath.Join(runs[0], "metrics.jsonl"))
		return all[len(all)-1].Step
	}
	runOK(t, "--resume", "auto", "--steps", "7", "--log-every", "1")
	if n := steps(); n != 7 {
		t.Errorf("%d steps", n)
	}
	runOK(t, "train", "--resume", runs[0], "--epochs", "4")
	if n := steps(); n != 12 {
		t.Errorf("%d steps in four epochs of three", n)
	}
	runOK(t, "train", "--resume", filepath.Join(runs[0], "checkpoints", "step-00000007"), "--epochs", "3")
	if n := steps(); n != 9 {
		t.Errorf("%d steps in three epochs of three", n)
	}
	// A configuration file must agree with the run, as flags must.
	runOK(t, "--config", filepath.Join(runs[0], "config.yaml"), "--resume", "auto", "--epochs", "5")
	for args, want := range map[string]string{
		"--batch 8":        "the run's 16",
		"--opt lion":       "lion,lr=0.001",
		"--clip-norm 2":    "--clip-norm 2",
		"--out elsewhere":  "elsewhere",
		"--save-every x":   "10m",
		"--time -1s":       "--time",
		"--keep -1":        "--keep",
		"--digest=perhaps": "digest",
	} {
		text := runFails(t, 2, append([]string{"train", "--resume", runs[0]}, strings.Fields(args)...)...)
		if !strings.Contains(text, want) {
			t.Errorf("%s: the message does not mention %q:\n%s", args, want, text)
		}
	}
}

// TestReplay runs into a NaN in the data; the failed step fails again, in the same words and with the same exit code.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	data := "npy:" + filepath.Join(dir, "x.npy") + "," + filepath.Join(dir, "y.npy")
	x := make([]float32, 24*784)
	x[5*784+3] = float32(math.NaN())
	writeNPY(t, filepath.Join(dir, "x.npy"), "<f4", "(24, 1, 28, 28)", x)
	writeNPY(t, filepath.Join(dir, "y.npy"), "<i8", "(24,)", make([]int64, 24))
	out := filepath.Join(dir, "run")
	args := []string{"--model", models + "mlp.onnx", "--opt", "adamw", "--data", data, "--batch", "4", "--steps", "9", "--no-shuffle", "--out", out}
	text := runFails(t, 5, args...)
	said := text[strings.LastIndex(text, "onnxtrain: "):]
	for _, want := range []string{"step 2: the loss is NaN", "example 2 of the batch"} {
		if !strings.Contains(said, want) {
			t.Errorf("the message does not mention %q:\n%s", want, said)
		}
	}
	command := "onnxtrain replay " + filepath.Join(out, "post-mortem")
	if !strings.Contains(text, command) {
		t.Errorf("the message does not say %q:\n%s", command, text)
	}
	os.Remove(filepath.Join(dir, "x.npy")) // it is in the post-mortem
	if again := runFails(t, 5, "replay", filepath.Join(out, "post-mortem")); again != said {
		t.Errorf("replay says\n%s\nthe run said\n%s", again, said)
	}
	if text := runFails(t, 8, "replay", out); !strings.Contains(text, "post-mortem") {
		t.Error(text)
	}
	writeNPY(t, filepath.Join(dir, "x.npy"), "<f4", "(24, 1, 28, 28)", x)
	runOK(t, append(args, "--overwrite", "--on-nonfinite", "skip:2", "--digest")...)
	if _, err := os.Stat(filepath.Join(out, "post-mortem")); err == nil {
		t.Error("the post-mortem of the run that was overwritten is still there")
	}
	if text := runFails(t, 2, append(args, "--on-nonfinite", "ignore")...); !strings.Contains(text, "skip:N") {
		t.Error(text)
	}
}

func writeNPY(t *testing.T, file, dtype, shape string, values any) {
	t.Helper()
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, shape)
	header += strings.Repeat(" ", 117-len(header)) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	b, err := binary.Append(append(b, header...), binary.LittleEndian, values)
	if err == nil {
		err = os.WriteFile(file, b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestTimeFlag ends by the clock with exit code 0 and says how to go on.
func TestTimeFlag(t *testing.T) {
	out := t.TempDir()
	began := time.Now()
	runOK(t, "--model", models+"mlp.onnx", "--opt", "sgd", "--steps", "100000000", "--time", "300ms", "--batch", "4", "--out", out)
	if spent := time.Since(began); spent < 300*time.Millisecond || spent > 30*time.Second {
		t.Errorf("it took %v", spent)
	}
	found, _ := filepath.Glob(filepath.Join(out, "checkpoints", "step-*", "COMPLETE"))
	if len(found) != 1 {
		t.Errorf("checkpoints %q", found)
	}
}

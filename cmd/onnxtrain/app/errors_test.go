package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/train"
)

const models = "../../../models/"

// TestBadInput runs commands that must fail: each with its exit code, a message that names what is wrong and the next
// step, and nothing written.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	whole, err := os.ReadFile(models + "lenet5.onnx")
	if err != nil {
		t.Fatal(err)
	}
	truncated := write("truncated.onnx", string(whole[:len(whole)/2]))
	noise := write("noise.onnx", strings.Repeat("no model ", 100))
	pickle := write("weights.pt", "\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00.")
	file := write("file", "x")
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		name string
		code int
		args string
		want []string
	}{
		{"no such model", 3, "--model nowhere.onnx", []string{"nowhere.onnx"}},
		{"truncated model", 3, "--model " + truncated, []string{"truncated.onnx"}},
		{"no ONNX file", 3, "--model " + noise, []string{"noise.onnx"}},
		{"pickle as a model", 3, "--model " + pickle, []string{"not an ONNX file"}},
		{"pickle as weights", 3, "--model MLP --init-from " + pickle, []string{"not an ONNX file"}},
		{"misspelt optimizer", 2, "--model MLP --opt ifshampo", []string{"ifshampo", `"ifshampoo"`}},
		{"misspelt hyper-parameter", 2, "--model MLP --opt adamw,bta1=0.9", []string{"bta1", "beta1"}},
		{"hyper-parameter out of range", 2, "--model MLP --opt adamw,beta1=1.5", []string{"beta1", "1.5"}},
		{"hyper-parameter of another type", 2, "--model MLP --opt sgd,lr=fast", []string{"lr", "fast"}},
		{"misspelt flag", 2, "--model MLP --epoch 3", []string{"--epoch"}},
		{"misspelt loss", 2, "--model MLP --loss crossentropy", []string{"crossentropy"}},
		{"misspelt schedule", 2, "--model MLP --schedule cosin", []string{"cosin", "cosine"}},
		{"epochs and steps", 2, "--model MLP --epochs 1 --steps 2", []string{"--epochs", "--steps"}},
		{"unknown data", 4, "--model MLP --data cifer10:x", []string{"cifer10", "cifar10"}},
		{"data that is not there", 4, "--model MLP --data npz:nowhere.npz", []string{"nowhere.npz"}},
		{"unknown data option", 4, "--model MLP --data synthetic:?m=5", []string{"m"}},
		{"folder is a file", 2, "--model MLP --steps 1 --out " + file + "/run", []string{"--out", "file"}},
		{"too little memory", 6, "--model MLP --max-memory 2MiB", []string{"--batch", "--recompute"}},
		{"no memory at all", 6, "--model MLP --max-memory 10KiB", []string{"--max-memory", "mlp.onnx"}},
		{"learning rate explodes", 5, "--model MLP --opt sgd,lr=1e30 --steps 20", []string{"step", "--lr"}},
		{"freeze nothing", 2, "--model MLP --freeze nothing.*", []string{"nothing.*", "inspect"}},
		{"no output of that name", 3, "--model MLP --output probs", []string{"probs", "logits"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(c.args, "MLP", models+"mlp.onnx"))
			if !strings.Contains(c.args, "--out") || strings.Contains(c.args, "--output") {
				args = append(args, "--out", out)
			}
			text := runFails(t, c.code, append([]string{"train"}, args...)...)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("message does not mention %q:\n%s", w, text)
				}
			}
			for _, w := range []string{"goroutine", "panic", "failed to"} {
				if strings.Contains(text, w) {
					t.Errorf("message contains %q:\n%s", w, text)
				}
			}
			if c.code != 5 {
				if _, err := os.Stat(out); err == nil {
					t.Errorf("%s was written", out)
				}
			}
			os.RemoveAll(out)
		})
	}
}

func TestRunFolderIsNotOverwritten(t *testing.T) {
	out := t.TempDir()
	args := []string{"train", "--model", models + "mlp.onnx", "--opt", "sgd", "--data", "synthetic:?n=64", "--steps", "1", "--out", out}
	runOK(t, args...)
	if text := runFails(t, 2, args...); !strings.Contains(text, "--overwrite") {
		t.Errorf("message does not say what to do:\n%s", text)
	}
	runOK(t, append(args, "--overwrite")...)
}

// TestPanicsAreReported makes sure that a bug ends in a message, also in a loop of the pool, and does not take the
// process down.
func TestPanicsAreReported(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, bug := range []func(){
		func() { panic("index out of range") },
		func() { pool.For(10, 1, func(int, int, int) { panic("index out of range") }) },
	} {
		err := guarded(hclog.NewNullLogger(), func() error { bug(); return nil })
		var f *train.Failure
		if !errors.As(err, &f) || f.Kind != train.Internal || !strings.Contains(err.Error(), "index out of range; please report") {
			t.Errorf("got %v", err)
		}
	}
}

package app

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// initializers are the constants of a file by name, and its graph.
func initializers(t *testing.T, file string) (map[string]*tensor.Tensor, *graph.Graph) {
	t.Helper()
	m, err := onnxload.Open(file, onnxload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tensor.Tensor{}
	for _, v := range g.OfKind(graph.Const) {
		all[v.Name] = v.Init
	}
	return all, g
}

// sameBits reports whether a tensor of two files is the same.
func sameBits(t *testing.T, a, b map[string]*tensor.Tensor, name string) bool {
	t.Helper()
	if a[name] == nil || b[name] == nil {
		t.Fatalf("no %q in both files", name)
	}
	return bytes.Equal(a[name].Data, b[name].Data)
}

func evalLoss(t *testing.T, args ...string) float64 {
	t.Helper()
	var e struct{ Loss float64 }
	if err := json.Unmarshal([]byte(runOK(t, append([]string{"eval", "--json"}, args...)...)), &e); err != nil {
		t.Fatal(err)
	}
	return e.Loss
}

func TestFrozenBatchNormKeepsItsStatistics(t *testing.T) {
	before, _ := initializers(t, formFile("bn-frozen.onnx"))
	after, _ := initializers(t, filepath.Join(trainForm(t, "bn-frozen", "--bn", "frozen"), "last.onnx"))
	if !sameBits(t, before, after, "bns.0.running_mean") || !sameBits(t, before, after, "bns.1.running_var") {
		t.Error("running statistics changed")
	}
	if sameBits(t, before, after, "bns.0.weight") || sameBits(t, before, after, "bns.1.bias") {
		t.Error("scale or shift was not trained")
	}
	// A frozen layer keeps everything, its statistics too, and --bn train says otherwise.
	for flag, want := range map[string]bool{"auto": true, "train": false} {
		after, _ = initializers(t, filepath.Join(trainForm(t, "02-frozen", "--model", filepath.Join("..", "..", "..", "testdata", "exports",
			"01-batchnorm-opset14.onnx"), "--data", "synthetic:?n=20", "--freeze", "bns.*", "--bn", flag), "last.onnx"))
		before, _ = initializers(t, filepath.Join("..", "..", "..", "testdata", "exports", "01-batchnorm-opset14.onnx"))
		if got := sameBits(t, before, after, "bns.0.running_mean"); got != want || !sameBits(t, before, after, "bns.0.weight") {
			t.Errorf("--bn %s: the mean of a frozen layer stayed is %v", flag, got)
		}
	}
}

// TestUnfoldedBatchNormIsFoldedBack compares a written file with what was trained, and its structure with the file's.
func TestUnfoldedBatchNormIsFoldedBack(t *testing.T) {
	const name = "bn-train-eval-export"
	data := "npz:" + formFile(name+".npz")
	out := trainForm(t, name, "--unfold-bn", "--val", data)
	metrics := readMetrics(t, filepath.Join(out, "metrics.jsonl"))
	last := filepath.Join(out, "last.onnx")
	if got, want := evalLoss(t, "--model", last, "--data", data), metrics[len(metrics)-1].ValLoss; !(math.Abs(got-want) <= 1e-5) {
		t.Errorf("the written file has a loss of %v, in training it was %v", got, want)
	}
	before, g := initializers(t, formFile(name+".onnx"))
	after, h := initializers(t, last)
	if len(g.Nodes) != len(h.Nodes) || len(before) != len(after) {
		t.Errorf("%d nodes and %d initializers, the file has %d and %d", len(h.Nodes), len(after), len(g.Nodes), len(before))
	}
	for n := range before {
		if after[n] == nil || sameBits(t, before, after, n) {
			t.Errorf("%q is missing or was not trained", n)
		}
	}
	message := runFails(t, 3, append(trainFormArgs("train-head", t.TempDir()), "--unfold-bn")...)
	if !strings.Contains(message, "no convolution") {
		t.Errorf("a model without convolutions: %s", message)
	}
}

func TestReplaceHead(t *testing.T) {
	for name, head := range map[string]string{"train-head": "head.weight", "length": "", "bn-frozen": "head.weight", "log-softmax": "head.bias"} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--replace-head", "classes=2", "--data", "synthetic:?n=40&length=8", "--steps", "1", "--seed", "5"}
			out := trainForm(t, name, args...)
			after, g := initializers(t, filepath.Join(out, "last.onnx"))
			shape := g.Outputs[0].Type.Shape
			if shape[len(shape)-1] != 2 {
				t.Errorf("the output is declared as %v", shape)
			}
			if head != "" && !slices.Contains(after[head].Shape, 2) {
				t.Errorf("%s is %v", head, after[head])
			}
			again, _ := initializers(t, filepath.Join(trainForm(t, name, args...), "last.onnx"))
			other, _ := initializers(t, filepath.Join(trainForm(t, name, append(args, "--seed", "6")...), "last.onnx"))
			if head != "" && (!sameBits(t, after, again, head) || sameBits(t, after, other, head)) {
				t.Error("the head is not a function of the seed")
			}
			evalLoss(t, "--model", out, "--data", "synthetic:?n=8&length=8")
		})
	}
	for name, want := range map[string]string{"04-tied-train": "wte.weight", "06-shapes": ""} {
		args := []string{"train", "--model", filepath.Join("..", "..", "..", "testdata", "exports", name+".onnx"), "--replace-head", "classes=4",
			"--dry-run"}
		if want == "" {
			runOK(t, args...)
		} else if message := runFails(t, 3, args...); !strings.Contains(message, want) || !strings.Contains(message, "tied") {
			t.Errorf("%s: %s", name, message)
		}
	}
}

func TestUnusedWeights(t *testing.T) {
	args := append(trainFormArgs("one-of-two-outputs", t.TempDir()), "--output", "reg")
	message := runFails(t, 3, args...)
	for _, want := range []string{`"cls.weight"`, `"cls.bias"`, "--allow-unused"} {
		if !strings.Contains(message, want) {
			t.Errorf("%s is not in %q", want, message)
		}
	}
	runOK(t, append(args, "--freeze", "cls.*")...)
	before, _ := initializers(t, formFile("one-of-two-outputs.onnx"))
	after, _ := initializers(t, filepath.Join(trainForm(t, "one-of-two-outputs", "--output", "reg", "--allow-unused"), "last.onnx"))
	if !sameBits(t, before, after, "cls.weight") || sameBits(t, before, after, "reg.weight") {
		t.Error("the unused head changed, or the used one did not")
	}
}

func TestTrainOnlyWhatMatches(t *testing.T) {
	before, _ := initializers(t, formFile("train-head.onnx"))
	after, _ := initializers(t, filepath.Join(trainForm(t, "train-head", "--train", "head.*"), "last.onnx"))
	if !sameBits(t, before, after, "body.weight") || sameBits(t, before, after, "head.weight") {
		t.Error("--train head.* trains something else")
	}
}

// TestFormErrors wants a clear message and the right exit code for what cannot be.
func TestFormErrors(t *testing.T) {
	tests := []struct {
		form string
		args []string
		code int
		want string
	}{
		{"two-outputs", []string{"--loss", "cls=ce,reg=mze"}, 2, `did you mean "mse"`},
		{"two-outputs", []string{"--loss", "cls=ce,reg=mse:-1"}, 2, "above 0"},
		{"two-outputs", []string{"--loss", "cls=ce,cls=mse"}, 2, "named twice"},
		{"two-outputs", []string{"--loss", "cls=ce,other=mse"}, 3, `no output "other"`},
		{"two-outputs", []string{"--loss", "cls=ce,reg=mse", "--output", "cls"}, 2, "--output cls has no meaning"},
		{"two-outputs", []string{"--loss", "cls=ce,reg=mse", "--inputs", "label.reg=nothing"}, 4, `"nothing"`},
		{"two-outputs", []string{"--loss", "cls=ce,reg=mse", "--data", "synthetic:"}, 4, "one label"},
		{"two-inputs", []string{"--inputs", "label=y"}, 4, "--inputs a=NAME"},
		{"length", []string{"--data", "synthetic:?length=20"}, 3, "tokens[4,20]"},
		{"two-inputs", []string{"--inputs", "c=left"}, 2, `no input "c"`},
		{"two-inputs", []string{"--inputs", "a"}, 2, "NAME=ARRAY"},
		{"train-head", []string{"--train", "tail.*"}, 2, "--train"},
		{"train-head", []string{"--train", "head.*", "--train", "tail.*"}, 2, `"tail.*"`},
		{"train-head", []string{"--replace-head", "7"}, 2, "classes=N"},
		{"train-head", []string{"--replace-head", "classes=0"}, 2, "classes=N"},
		{"train-head", []string{"--loss", "model"}, 3, "no loss"},
		{"train-head", []string{"--bn", "never"}, 2, "--bn"},
		{"own-mse", []string{"--replace-head", "classes=3"}, 3, "--replace-head"},
	}
	for _, test := range tests {
		t.Run(test.form+" "+strings.Join(test.args, " "), func(t *testing.T) {
			message := runFails(t, test.code, append(trainFormArgs(test.form, t.TempDir()), test.args...)...)
			if !strings.Contains(message, test.want) {
				t.Errorf("%q does not say %q", message, test.want)
			}
		})
	}
}

// TestEvalOfForms scores runs as they were trained.
func TestEvalOfForms(t *testing.T) {
	out := trainForm(t, "two-outputs", "--loss", "cls=ce,reg=mse:0.5")
	whole := evalLoss(t, "--model", out)
	file := filepath.Join(out, "best.onnx")
	data := "npz:" + formFile("two-outputs.npz")
	cls := evalLoss(t, "--model", file, "--data", data, "--loss", "cls=ce", "--inputs", "label=label.cls")
	reg := evalLoss(t, "--model", file, "--data", data, "--loss", "reg=mse", "--inputs", "label=label.reg")
	if !(math.Abs(whole-cls-0.5*reg) <= 1e-5) {
		t.Errorf("loss %v, of the outputs %v and %v", whole, cls, reg)
	}
	out = trainForm(t, "two-inputs", "--inputs", "a=left,b=right,label=y")
	if got := evalLoss(t, "--model", out); !(got > 0) {
		t.Errorf("loss %v", got)
	}
	if _, err := os.Stat(filepath.Join(out, "config.yaml")); err != nil {
		t.Error(err)
	}
}

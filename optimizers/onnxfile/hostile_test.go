package onnxfile

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "examples", "optimizers", name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// try opens a file and makes a step with it.
func try(t *testing.T, b []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := registry.Lookup(path)
	if err != nil {
		return err
	}
	opt, h, err := e.New(nil)
	if err != nil {
		return err
	}
	var params []registry.ParamInfo
	var values, grads []*tensor.Tensor
	for _, shape := range []tensor.Shape{{3, 4}, {5}, {0}} {
		params = append(params, registry.ParamInfo{Name: "w" + shape.String(), Shape: shape, DType: tensor.Float32, Role: registry.Weight})
		values, grads = append(values, tensor.New(tensor.Float32, shape...)), append(grads, tensor.New(tensor.Float32, shape...))
	}
	s, err := registry.NewStepper(opt, params, nil)
	if err != nil {
		return err
	}
	return s.Step(registry.Context{Step: 1, LR: h.LR, LossTerms: 4}, values, grads)
}

// TestErrors damages a good file in one place.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"lion", "param_out", "param_ouT", `output "param_ouT" is neither param_out nor a slot's name with _out`},
		{"lion", "hyper.beta1.default", "hyper.beta1.defaulT", `metadata "hyper.beta1.defaulT"`},
		{"lion", "hyper.beta1.doc", "hyper.betaX.doc", `there is no input "betaX"`},
		{"lion", "[0,1)", "[0;1)", "hyper-parameter beta1"},
		{"lion", "Sign", "Sigh", `Sigh`},
		{"lion", "grad", "graD", `there is no input "grad"`},
		{"rfrmsprop", "slot.curvature.init\x12\x011", "slot.curvature.init\x12\x01x", `slot.curvature.init is "x"`},
		{"rfrmsprop", "slot.curvature", "slot.curvaturE", "is not slot.NAME.init of a slot"},
		{"muon", "auto|all|none", "Auto|All|None", "hidden"},
	} {
		b := read(t, c.file)
		if !bytes.Contains(b, []byte(c.old)) {
			t.Errorf("%s holds no %q", c.file, c.old)
			continue
		}
		err := try(t, bytes.ReplaceAll(b, []byte(c.old), []byte(c.new)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.onnx") {
			t.Errorf("%s with %q for %q: error %v, want %q and the file's name", c.file, c.new, c.old, err, c.want)
		}
	}
}

// TestDamaged cuts files short and changes bytes: any error is good, a panic is not.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, name := range []string{"sgd", "adamw", "muon"} {
		good := read(t, name)
		if err := try(t, good); err != nil {
			t.Fatal(err)
		}
		for range 150 {
			b := bytes.Clone(good)
			for range 1 + r.IntN(3) {
				b[r.IntN(len(b))] = byte(r.UintN(256))
			}
			_ = try(t, b)
		}
		if try(t, good[:len(good)/2]) == nil {
			t.Errorf("half of %s is taken for an optimizer", name)
		}
	}
}

func TestModelIsNoOptimizer(t *testing.T) {
	_, err := Open("m", filepath.Join("..", "..", "models", "mlp.onnx"))
	if err == nil || !strings.Contains(err.Error(), `no input "param"`) {
		t.Errorf("error %v", err)
	}
}

func TestFindsByNameInPluginsOnly(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "mine.onnx"), read(t, "lion"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	t.Setenv(Folders, "")
	if _, err := registry.Lookup("mine"); err == nil || !strings.Contains(err.Error(), "unknown optimizer") {
		t.Errorf("a file in the working folder is found by its bare name: %v", err)
	}
	if _, err := registry.Lookup("mine.onnx"); err != nil {
		t.Error(err)
	}
	t.Setenv(Folders, ".")
	if _, err := registry.Lookup("mine"); err == nil {
		t.Error("a relative plugins folder counts")
	}
	t.Setenv(Folders, folder)
	e, err := registry.Lookup("mine")
	if err != nil {
		t.Fatal(err)
	}
	if e.Origin != filepath.Join(folder, "mine.onnx") || len(registry.External()) != 1 {
		t.Errorf("origin %q, external %v", e.Origin, registry.External())
	}
}

// TestSlotsThatStandStill checks that state which a parameter's graph leaves alone is not allocated.
func TestSlotsThatStandStill(t *testing.T) {
	for _, c := range []struct {
		text string
		p    registry.ParamInfo
		want string
	}{
		{"adamw", registry.ParamInfo{Shape: tensor.Shape{4}, DType: tensor.Float32}, "mean square"},
		{"adamw,amsgrad", registry.ParamInfo{Shape: tensor.Shape{4}, DType: tensor.Float32}, "mean square largest"},
		{"muon", registry.ParamInfo{Shape: tensor.Shape{4, 3}, DType: tensor.Float32, Role: registry.Weight}, "buffer"},
		{"muon", registry.ParamInfo{Shape: tensor.Shape{4}, DType: tensor.Float64, Role: registry.Bias}, "mean square"},
	} {
		name, more, _ := strings.Cut(c.text, ",")
		text := filepath.Join("..", "..", "examples", "optimizers", name+".onnx")
		if more != "" {
			text += "," + more
		}
		e, s, err := registry.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		opt, _, err := e.New(s)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, slot := range opt.Slots(c.p) {
			names = append(names, slot.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s has slots %q, want %q", c.text, got, c.want)
		}
	}
}

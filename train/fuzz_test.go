package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzStep opens what is nearly a model and takes a training step: everything from the wire scan over import, shape
// inference and gradients to kernels must give an error or a result.
func FuzzStep(f *testing.F) {
	for _, name := range []string{"04-tied-train", "05-linear-train", "10-dropout", "13-pieces", "01-batchnorm-opset13"} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "exports", name+".onnx"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "model.onnx")
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := stepOnce(path); err != nil && strings.HasPrefix(err.Error(), "panic") {
			t.Error(err)
		}
	})
}

// FuzzConfig reads what is nearly a configuration: it is an error, or one that comes back as it was when it is written.
func FuzzConfig(f *testing.F) {
	c := small("mlp", "adamw,lr=0.1", "out")
	c.Group, c.Freeze = []string{"*.bias:weight_decay=0"}, []string{"a*", "b"}
	text, err := c.YAML()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("freeze: [&a x, *a]\nbatch: 0x10\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again Config
		if ParseConfig("c.yaml", b, &c) != nil {
			return
		}
		text, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxConfig {
			return
		}
		if err := ParseConfig("again.yaml", text, &again); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		if once, twice := fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", again); c.LR == nil && c.WeightDecay == nil && once != twice {
			t.Errorf("%s\n%s\n%s", once, twice, text)
		}
	})
}

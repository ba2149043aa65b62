package train

import (
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

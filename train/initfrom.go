package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// initFrom gives the weights the values that a file, or a run's best model, has under their names. Weights that it does
// not hold stay, with a notice.
func (e *Engine) initFrom(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		best := filepath.Join(path, "best.onnx")
		if _, err := os.Stat(best); err != nil {
			return failf(Usage, "--init-from %s: no best.onnx is in it; name a run directory or a file", path)
		}
		path = best
	}
	read := readModelWeights
	if strings.EqualFold(filepath.Ext(path), ".safetensors") {
		read = readSafetensors
	}
	found, err := read(path)
	if err != nil {
		return fail(BadModel, fmt.Errorf("--init-from: %w", err))
	}
	var missing []string
	weights := e.weights()
	for _, w := range weights {
		t := found[w.Name]
		if t == nil {
			missing = append(missing, w.Name)
			continue
		}
		if !t.Shape.Equal(w.Tensor.Shape) || !t.DType.IsFloat() {
			return failf(Usage, "--init-from %s: %q is %v there and %v in the model", path, w.Name, t, w.Tensor)
		}
		w.Tensor.SetFloat64s(t.Float64s())
	}
	if len(missing) == len(weights) {
		return failf(Usage, "--init-from %s holds none of the model's weights, such as %q; names must agree", path, weights[0].Name)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		e.Notices = append(e.Notices, fmt.Sprintf("%s holds no %s; these keep the values that they had",
			path, strings.Join(missing, ", ")))
	}
	return nil
}

func readModelWeights(path string) (map[string]*tensor.Tensor, error) {
	m, err := onnxload.Open(path, onnxload.Options{})
	if err != nil {
		return nil, err
	}
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	found := map[string]*tensor.Tensor{}
	for _, v := range g.Values {
		if v.Init != nil {
			found[v.Name] = v.Init
		}
	}
	return found, nil
}

func readSafetensors(path string) (map[string]*tensor.Tensor, error) {
	found := map[string]*tensor.Tensor{}
	_, err := checkpoint.ReadFile(path, func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
		found[name] = tensor.New(dt, shape...)
		return found[name], nil
	})
	return found, err
}

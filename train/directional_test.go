package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestDirectionalDerivatives compares the gradients of whole models with differences of the loss along random directions
// of all parameters, in float64: relative to the gradient, the error is at most 1e-5.
func TestDirectionalDerivatives(t *testing.T) {
	root := filepath.Join("..")
	files, err := filepath.Glob(filepath.Join(root, "testdata", "exports", "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	names := []string{"mlp.onnx", "lenet5.onnx"}
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		names = append(names, "resnet20.onnx", "vit.onnx", "gpt.onnx")
	}
	for _, name := range names {
		files = append(files, filepath.Join(root, "models", name))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Open(Config{Model: file, Opt: "sgd", DType: "f64", Batch: 2, Threads: 1, AllowUnused: true, Data: "synthetic:?n=4&length=5",
				Loss: "auto", Init: "file", BN: "auto", Schedule: "constant", Accumulate: 1, Workers: 1, LogEvery: 1, LossTerms: "batch+seq"}, true)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			it := data.NewLoader(s.Train, data.LoaderOptions{Batch: 2, Workers: 1}).Epoch(t.Context(), 0, 0)
			defer it.Close()
			batch, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.Engine.ProgramFor(batch, true)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(2) {
				direction(t, s.Engine, p, batch, seed)
			}
		})
	}
}

// direction checks one direction.
func direction(t *testing.T, e *Engine, p *Program, batch *data.Batch, seed uint64) {
	t.Helper()
	loss := func() float64 {
		if err := p.Run(context.Background(), batch.Tensors, 1, 1); err != nil {
			t.Fatal(err)
		}
		return p.Loss()
	}
	loss()
	var start, along [][]float64
	want, gradient, length := 0., 0., 0.
	for i, v := range e.Values {
		x := tensor.Slice[float64](v)
		// Each parameter moves in proportion to its size.
		size := 1e-2
		for _, w := range x {
			size = max(size, math.Abs(w))
		}
		way := op.Normalish(100*seed+uint64(i), len(x)).Float64s()
		for k, g := range p.Grads[i].Float64s() {
			way[k] *= size
			want += g * way[k]
			gradient += g * g
			length += way[k] * way[k]
		}
		start, along = append(start, append([]float64{}, x...)), append(along, way)
	}
	at := func(h float64) float64 {
		for i, v := range e.Values {
			for k := range start[i] {
				tensor.Slice[float64](v)[k] = start[i][k] + h*along[i][k]
			}
		}
		return loss()
	}
	// A rectifier that changes its mind on the way makes an error in proportion to the way, so that it is short.
	const h = 1e-7
	got := (at(h) - at(-h)) / (2 * h)
	at(0)
	scale := max(math.Abs(want), 1e-2*math.Sqrt(gradient*length))
	if d := math.Abs(got - want); !(d <= 1e-5*scale) || scale == 0 {
		t.Errorf("along direction %d the loss changes by %.10g, the gradient says %.10g", seed, got, want)
	}
}

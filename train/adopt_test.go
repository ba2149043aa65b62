package train

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
)

// TestWeightsStayWeights compiles a second program after the weights have come to look like masks, positions, or what
// GroupNorm and recurrent layers take for none, in the model too, whose tensors they are.
func TestWeightsStayWeights(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "models", "*.onnx"))
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	looks := map[string]func(i int) float64{
		"infinite": func(int) float64 { return math.Inf(1) },
		"zero":     func(int) float64 { return 0 },
		"one":      func(int) float64 { return 1 },
		"powers":   func(i int) float64 { return math.Pow(0.5, float64(i)) },
		"grid":     func(i int) float64 { return float64(i) },
	}
	for _, file := range files {
		model := strings.TrimSuffix(filepath.Base(file), ".onnx")
		for look, f := range looks {
			t.Run(model+" "+look, func(t *testing.T) {
				s := openModel(t, model, func(c *Config) { c.Batch, c.Data = 4, "synthetic:?n=64" })
				first := s.Engine.first
				for _, w := range s.Engine.Values {
					x := w.Float64s()
					for i := range x {
						x[i] = f(i)
					}
					w.SetFloat64s(x)
				}
				p, err := s.Engine.Program(2, true)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := namesOf(p.Built.Params), namesOf(first.Params); !slices.Equal(got, want) {
					t.Errorf("%d parameters, not %d: %q and %q", len(got), len(want), got, want)
				}
				g, err := s.Model.NewGraph()
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range g.Values {
					if w := s.Engine.Weights()[v.Name]; w != nil && v.Init != nil && !bytes.Equal(v.Init.Data, w.Data) {
						t.Errorf("%s is held a second time", v.Name)
					}
				}
			})
		}
	}
}

func namesOf(list []*graph.Value) []string {
	found := make([]string, len(list))
	for i, v := range list {
		found[i] = v.Name
	}
	return found
}

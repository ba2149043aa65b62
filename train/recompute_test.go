package train

import (
	"bytes"
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// gradientsOf runs one training step's program and returns the bits of loss, gradients and, after it, states, and the bytes
// of its arena.
func gradientsOf(t *testing.T, model, dtype string, batch int, recompute bool) (bits [][]byte, arena int64) {
	t.Helper()
	s := openModel(t, model, func(c *Config) {
		c.DType, c.Batch, c.Recompute, c.Opt, c.Data = dtype, batch, recompute, "sgd", "synthetic:?n=64"
	})
	p, err := s.Engine.Program(batch, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background(), batches(t, s)[0].Tensors, 7, 3); err != nil {
		t.Fatal(err)
	}
	p.Commit()
	bits = append(bits, bytes.Clone(p.loss.Data))
	for _, g := range p.Grads {
		bits = append(bits, bytes.Clone(g.Data))
	}
	for _, name := range s.Engine.stored() {
		bits = append(bits, bytes.Clone(s.Engine.Weights()[name].Data))
	}
	return bits, p.Memory().ArenaBytes
}

// TestRecomputeKeepsTheBits compares every model of the repository, Dropout and running statistics included.
func TestRecomputeKeepsTheBits(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "models", "*.onnx"))
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	left := map[string]float64{"resnet20": 0.75, "vit": 0.6, "gpt": 0.6} // the part of the arena, of models with something to gain
	for _, file := range files {
		model := strings.TrimSuffix(filepath.Base(file), ".onnx")
		for _, dtype := range []string{"f32", "bf16"} {
			t.Run(model+" "+dtype, func(t *testing.T) {
				want, all := gradientsOf(t, model, dtype, 8, false)
				got, arena := gradientsOf(t, model, dtype, 8, true)
				for i := range want {
					if !bytes.Equal(got[i], want[i]) {
						t.Fatalf("result %d of %d has other bits", i, len(want))
					}
				}
				t.Logf("an arena of %d bytes instead of %d, %.0f %%", arena, all, 100*float64(arena)/float64(all))
				if most := cmp.Or(left[model], 1); float64(arena) > most*float64(all) {
					t.Errorf("an arena of %d bytes is more than %.0f %% of %d", arena, 100*most, all)
				}
			})
		}
	}
}

// In float64 everything runs on references, which know nothing of copies either.
func TestRecomputeInFloat64(t *testing.T) {
	for _, model := range []string{"lenet5", "gpt"} {
		want, _ := gradientsOf(t, model, "f64", 1, false)
		got, _ := gradientsOf(t, model, "f64", 1, true)
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("%s: result %d of %d has other bits", model, i, len(want))
			}
		}
	}
}

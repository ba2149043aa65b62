package train

import (
	"context"
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestTrainingInHalf trains each of the models in models/ for some steps in float32 and in bf16. Losses stay close, and what
// must stay float32 does: parameters, their gradients, what the loss looks at, running statistics.
func TestTrainingInHalf(t *testing.T) {
	for _, model := range []string{"mlp", "lenet5", "resnet20", "vit", "gpt"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			wide, half := lossesIn(t, model, "f32"), lossesIn(t, model, "bf16")
			for i := range wide {
				bound := 0.002
				if model == "resnet20" {
					bound = 0.05 // statistics of 8 images: roundings grow from step to step, as those of float32 do
				}
				if d := math.Abs(half[i] - wide[i]); d > bound*wide[i] {
					t.Errorf("step %d: loss %.5f in bf16, %.5f in float32", i+1, half[i], wide[i])
				}
			}
			t.Logf("float32 %.4f, bf16 %.4f", wide, half)
		})
	}
}

// lossesIn are the losses of some steps, one for each batch.
func lossesIn(t *testing.T, model, dtype string) []float64 {
	s := openModel(t, model, func(c *Config) {
		c.Opt, c.DType, c.Batch, c.Data = "sgd,lr=0.02,momentum=0.9", dtype, 8, "synthetic:?n=48"
	})
	p, err := s.Engine.Program(8, true)
	if err != nil {
		t.Fatal(err)
	}
	narrow := 0
	for _, v := range p.Built.Graph.Values {
		if v.Type.DType == tensor.BFloat16Type {
			narrow++
		}
	}
	if (narrow > 0) != (dtype == "bf16") {
		t.Errorf("%d values of the graph are bf16 with --dtype %s", narrow, dtype)
	}
	for _, v := range append(append(p.Built.Grads, p.Built.Params...), p.Built.Output, p.Built.Loss) {
		if v.Type.DType != tensor.Float32 {
			t.Errorf("%q is %v", v.Name, v.Type)
		}
	}
	for _, u := range p.Built.Graph.Updates {
		if u.Value.Type.DType == tensor.BFloat16Type {
			t.Errorf("%q, which %q takes, is %v", u.Value.Name, u.State.Name, u.Value.Type)
		}
	}
	trainer := trainerOf(t, s)
	var losses []float64
	for _, b := range batches(t, s) {
		r, err := trainer.Step(context.Background(), []*data.Batch{b})
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, r.Loss)
	}
	return losses
}

package optimizers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BenchmarkResNet20 is one update of ResNet-20's parameters.
func BenchmarkResNet20(b *testing.B) {
	shapes := []tensor.Shape{{16, 3, 3, 3}, {16}, {16}, {10, 64}, {10}}
	in := 16
	for _, out := range []int{16, 32, 64} {
		for range 6 {
			shapes = append(shapes, tensor.Shape{out, in, 3, 3}, tensor.Shape{out}, tensor.Shape{out})
			in = out
		}
	}
	pool := par.New(0)
	defer pool.Close()
	for _, opt := range []string{"sgd,momentum=0.9", "adamw", "rfrmsprop", "ifshampoo", "shampoo"} {
		b.Run(opt, func(b *testing.B) {
			entry, settings, err := registry.Parse(opt)
			if err != nil {
				b.Fatal(err)
			}
			o, h, err := entry.New(settings)
			if err != nil {
				b.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			var infos []registry.ParamInfo
			var values, grads []*tensor.Tensor
			for i, s := range shapes {
				infos = append(infos, registry.ParamInfo{Name: fmt.Sprint("p", i), Shape: s, DType: tensor.Float32, Role: registry.Weight})
				w, g := tensor.New(tensor.Float32, s...), tensor.New(tensor.Float32, s...)
				for j := range g.F32() {
					w.F32()[j], g.F32()[j] = float32(random.NormFloat64())*0.1, float32(random.NormFloat64())*0.01
				}
				values, grads = append(values, w), append(grads, g)
			}
			s, err := registry.NewStepper(o, infos, nil)
			if err != nil {
				b.Fatal(err)
			}
			step := 0
			b.ReportAllocs()
			for b.Loop() {
				step++
				c := registry.Context{Step: step, LR: h.LR, WeightDecay: h.WeightDecay, LossTerms: 128, Pool: pool}
				if err := s.Step(c, values, grads); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

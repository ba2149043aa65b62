package optimizers

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

var raceEnabled bool

// TestNoAllocation checks that steps after the first two, which make scratch memory, leave the garbage collector alone.
// Decompositions take memory of their own.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	pool := par.New(2)
	defer pool.Close()
	for _, text := range []string{
		"sgd,momentum=0.9", "rmsprop,momentum=0.9,centered", "adam", "adamw,amsgrad", "adagrad", "lion", "rfrmsprop",
		"rfrmsprop,state_dtype=bf16", "rfadamw", "lars", "lamb", "adafactor,beta1=0.9", "adafactor,min_dim=100,scale_parameter", "schedulefree", "schedulefree,inner=sgd",
		"ifshampoo,interval=1", "ifshampoo,factor_dtype=bf16", "ifshampoo,interval=1,structure=block5", "shampoo,start=1000000,interval=1000000",
	} {
		t.Run(text, func(t *testing.T) {
			e, settings, err := registry.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			opt, h, err := e.New(settings)
			if err != nil {
				t.Fatal(err)
			}
			shape := tensor.Shape{20, 30, 3}
			s, err := registry.NewStepper(opt, []registry.ParamInfo{{Name: "w", Shape: shape, DType: tensor.Float32}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			values, grads := []*tensor.Tensor{tensor.New(tensor.Float32, shape...)}, []*tensor.Tensor{tensor.New(tensor.Float32, shape...)}
			for i := range grads[0].F32() {
				grads[0].F32()[i] = float32(i%7) - 3
			}
			step := func() {
				if err := s.Step(registry.Context{Step: 1, LR: h.LR, LossTerms: 8, Pool: pool}, values, grads); err != nil {
					t.Fatal(err)
				}
			}
			step()
			// The collector may empty the pools of scratch memory at any time, so a little is allowed on average.
			if n := testing.AllocsPerRun(50, step); n > 1 {
				t.Errorf("%v allocations a step", n)
			}
		})
	}
}

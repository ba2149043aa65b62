package onnxfile_test

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// follow trains a parameter of ones with gradients of twos and returns it with its first slot.
func follow(t *testing.T, spec string, steps int, shape ...int) (w, slot []float64) {
	t.Helper()
	e, s, err := registry.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	opt, h, err := e.New(s)
	if err != nil {
		t.Fatal(err)
	}
	p := registry.ParamInfo{Name: "w", Shape: shape, DType: tensor.Float32, Role: registry.Weight}
	stepper, err := registry.NewStepper(opt, []registry.ParamInfo{p}, nil)
	if err != nil {
		t.Fatal(err)
	}
	value, grad := tensor.New(tensor.Float32, shape...), tensor.New(tensor.Float32, shape...)
	for i := range grad.F32() {
		value.F32()[i], grad.F32()[i] = 1, 2
	}
	for step := range steps {
		c := registry.Context{Step: step + 1, LR: h.LR, WeightDecay: h.WeightDecay, LossTerms: 1}
		if err := stepper.Step(c, []*tensor.Tensor{value}, []*tensor.Tensor{grad}); err != nil {
			t.Fatal(err)
		}
	}
	return value.Float64s(), stepper.Slots[0].Tensor.Float64s()
}

func allNear(x []float64, want float64) bool {
	for _, v := range x {
		if math.Abs(v-want) > 1e-6 {
			return false
		}
	}
	return true
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		steps      int
		shape      []int
		w, slot    float64
	}{
		// The norm is that of the whole row, not of a block: √(10⁴·4) = 200; every second step is due.
		{"needs all elements, every second step", "testdata/normalised.onnx,lr=50", 5, []int{100, 100}, 1 - 2*50*2./200, 12},
		// The rates are 0.1, 0.05 and 0.025 for every block.
		{"scalar slot of blocks", "testdata/counted.onnx", 3, []int{9000}, 1 - 2*(0.1+0.05+0.025), 0.25},
		{"standard Adam", "testdata/training_adam.onnx", 4, []int{30}, 1 - 4*0.1, (1 - math.Pow(0.9, 4)) * 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, slot := follow(t, c.spec, c.steps, c.shape...)
			if !allNear(w, c.w) || !allNear(slot, c.slot) {
				t.Errorf("weights %v and slot %v, want %v and %v", w[0], slot[0], c.w, c.slot)
			}
		})
	}
	w, basis := follow(t, "testdata/turned.onnx", 2, 2, 3)
	if !allNear(w, 1-0.1*2-0.1*4) || len(basis) != 4 || basis[0] != 4 || basis[1] != 0 {
		t.Errorf("weights %v and basis %v, want 0.4 and 4 times the identity", w, basis)
	}
}

package registry

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// counted is descent that says what it costs, and averages what it evaluates with 1.
type counted struct{ descent }

func (counted) Cost(ps []ParamInfo) Cost {
	return Cost{FLOPs: 3 * float64(ps[0].Shape.Elems()), Scratch: 7}
}

func (counted) EvalWeights(dst *tensor.Tensor, p *Param) error {
	for i, w := range p.Value.F32() {
		dst.F32()[i] = (w+1)/2 + p.Slots[0].F32()[0] - 100 - float32(p.Step)
	}
	return nil
}

func TestCosts(t *testing.T) {
	costs, known, err := Costs(counted{}, twoParams())
	if err != nil || !known || len(costs) != 2 {
		t.Fatalf("%v, known %v, error %v", costs, known, err)
	}
	if a := costs[0]; a.Params[0].Name != "a" || a.State != 4 || a.FLOPs != 6 || a.Scratch != 7 {
		t.Errorf("a costs %+v", a)
	}
	joint, known, err := Costs(pairs{partition: [][]int{{0, 1}}}, twoParams())
	if err != nil || known || len(joint) != 1 || joint[0].State != 12 || len(joint[0].Params) != 2 {
		t.Errorf("together they cost %+v, known %v, error %v", joint, known, err)
	}
	if _, _, err := Costs(pairs{partition: [][]int{{0}}}, twoParams()); err == nil {
		t.Error("a parameter that is in no group is accepted")
	}
}

func TestEvalWeights(t *testing.T) {
	s, err := NewStepper(counted{}, twoParams(), nil)
	if err != nil {
		t.Fatal(err)
	}
	values := []*tensor.Tensor{tensor.Vector[float32](8, 16), tensor.Vector[float32](1)}
	grads := []*tensor.Tensor{tensor.Vector[float32](0, 0), nil}
	for step := 1; step <= 2; step++ {
		if err := s.Step(Context{Step: step}, values, grads); err != nil {
			t.Fatal(err)
		}
	}
	dst := []*tensor.Tensor{tensor.Vector[float32](0, 0), tensor.Vector[float32](0)}
	if err := s.EvalWeights(dst, values); err != nil || !s.HasEvalWeights() {
		t.Fatal(err)
	}
	// Slots and the number of updates are the parameter's own: the terms that they add cancel.
	if a, b := dst[0].F32(), dst[1].F32(); a[0] != 4.5 || a[1] != 8.5 || b[0] != 1 {
		t.Errorf("evaluation weights %v and %v", a, b)
	}
	plain, err := NewStepper(plain(t), twoParams(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if plain.HasEvalWeights() || plain.EvalWeights(dst, values) == nil {
		t.Error("an optimizer without evaluation weights of its own gives some")
	}
}

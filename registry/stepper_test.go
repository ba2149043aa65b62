package registry

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func twoParams() []ParamInfo {
	return []ParamInfo{
		{Name: "a", Shape: tensor.Shape{2}, DType: tensor.Float32, Role: Weight},
		{Name: "b", Shape: tensor.Shape{1}, DType: tensor.Float32, Role: Bias},
	}
}

func plain(t *testing.T) Optimizer {
	t.Helper()
	e, err := Lookup("descent")
	if err != nil {
		t.Fatal(err)
	}
	opt, _, err := e.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

func TestStepper(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	var asked []string
	s, err := NewStepper(plain(t), twoParams(), func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
		asked = append(asked, name)
		return tensor.Of(shape, float32(7)), nil // used memory: the Stepper initialises it
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(asked, []string{"a/count", "b/count"}) || s.Slots[0].Name != "a/count" {
		t.Errorf("slots %v", asked)
	}
	s.LRScale = []float64{1, 2}
	s.WeightDecay = []float64{0.5, 0}
	values := []*tensor.Tensor{tensor.Vector[float32](8, 16), tensor.Vector[float32](1)}
	grads := []*tensor.Tensor{tensor.Vector[float32](4, 8), tensor.Vector[float32](1)}
	for step, g := range [][]*tensor.Tensor{grads, {nil, grads[1]}} {
		if err := s.Step(Context{Step: step + 1, LR: 0.25, Pool: pool}, values, g); err != nil {
			t.Fatal(err)
		}
	}
	if got := values[0].F32(); got[0] != 8-1-4 || got[1] != 16-2-8 {
		t.Errorf("a is %v: rate or decay of its own not used", got)
	}
	if got := values[1].F32(); got[0] != 0 {
		t.Errorf("b is %v: rate of its own not used", got)
	}
	if s.Slots[0].Tensor.F32()[0] != 101 || s.Slots[1].Tensor.F32()[0] != 102 || !slices.Equal(s.Updates, []int{1, 2}) {
		t.Errorf("slots %v %v, updates %v", s.Slots[0].Tensor.F32(), s.Slots[1].Tensor.F32(), s.Updates)
	}
}

func TestStepperErrors(t *testing.T) {
	if _, err := NewStepper(plain(t), []ParamInfo{{Name: "i", Shape: tensor.Shape{1}, DType: tensor.Int64}}, nil); err == nil || !strings.Contains(err.Error(), `"i"`) {
		t.Errorf("whole numbers as a parameter: error %v", err)
	}
	if _, err := NewStepper(plain(t), append(twoParams(), twoParams()...), nil); err == nil || !strings.Contains(err.Error(), `"a/count"`) {
		t.Errorf("one name twice: error %v", err)
	}
	good := func() []*tensor.Tensor {
		return []*tensor.Tensor{tensor.Vector[float32](1, 2), tensor.Vector[float32](3)}
	}
	for _, c := range []struct {
		name          string
		values, grads []*tensor.Tensor
		want          string
	}{
		{"count", good()[:1], good(), "1 values and 2 gradients for 2 parameters"},
		{"shape", good(), []*tensor.Tensor{tensor.Vector[float32](1), nil}, `"a"`},
		{"type", good(), []*tensor.Tensor{nil, tensor.Vector[float64](1)}, `"b"`},
		{"no value", []*tensor.Tensor{good()[0], nil}, good(), `"b" has no value`},
		{"update", good(), []*tensor.Tensor{nil, tensor.Vector[float32](2000)}, `parameter "b": gradient too large`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := NewStepper(plain(t), twoParams(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Step(Context{Step: 1, LR: 1}, c.values, c.grads); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// pairs updates all parameters as one group.
type pairs struct {
	descent
	partition [][]int
}

func (p pairs) Group([]ParamInfo) [][]int { return p.partition }
func (pairs) GroupSlots([]ParamInfo) []Slot {
	return []Slot{{Name: "joint", Shape: tensor.Shape{3}, DType: tensor.Float32}}
}
func (pairs) UpdateGroup(_ Context, ps []*Param, slots []*tensor.Tensor) error {
	for _, p := range ps {
		slots[0].F32()[0] += p.Grad.F32()[0]
	}
	return nil
}

func TestGroups(t *testing.T) {
	s, err := NewStepper(pairs{partition: [][]int{{0, 1}}}, twoParams(), nil)
	if err != nil {
		t.Fatal(err)
	}
	values := []*tensor.Tensor{tensor.Vector[float32](8, 16), tensor.Vector[float32](1)}
	grads := []*tensor.Tensor{tensor.Vector[float32](4, 8), tensor.Vector[float32](1)}
	if err := s.Step(Context{Step: 1}, values, grads); err != nil {
		t.Fatal(err)
	}
	if s.Slots[0].Name != "a+b/joint" || s.Slots[0].Tensor.F32()[0] != 5 {
		t.Errorf("slot %s %v", s.Slots[0].Name, s.Slots[0].Tensor.F32())
	}
	if err := s.Step(Context{Step: 2}, values, []*tensor.Tensor{grads[0], nil}); err != nil || s.Updates[0] != 1 {
		t.Errorf("a group with a missing gradient: error %v, updates %v", err, s.Updates)
	}
	s.LRScale = []float64{1, 2}
	if err := s.Step(Context{Step: 2}, values, grads); err == nil || !strings.Contains(err.Error(), "differ in learning rate") {
		t.Errorf("two rates in a group: error %v", err)
	}
	for _, wrong := range [][][]int{{{0}}, {{0, 1}, {1}}, {{0, 1, 2}}} {
		if _, err := NewStepper(pairs{partition: wrong}, twoParams(), nil); err == nil {
			t.Errorf("groups %v accepted", wrong)
		}
	}
}

package registry

import (
	"errors"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// fragile is descent that makes a mess of the first so many tries.
type fragile struct {
	descent
	fails, restarts int
	allocated       int
	freed           int
}

func (f *fragile) UpdateAll(jobs []Job) error {
	for _, j := range jobs {
		if err := f.Update(j.Context, j.Param); err != nil {
			return err
		}
		if f.fails > 0 {
			f.fails--
			j.Param.Slots[0].F32()[0] = -7
			return errors.New("a mess")
		}
	}
	return nil
}

func (f *fragile) Recover(err error) error {
	if f.restarts == 0 {
		return err
	}
	f.restarts--
	return nil
}

func (f *fragile) Alloc(dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	f.allocated++
	return tensor.New(dt, shape...), nil
}

func (f *fragile) Free(ts ...*tensor.Tensor) { f.freed += len(ts) }

func TestJointSteps(t *testing.T) {
	for _, c := range []struct {
		fails, restarts int
		ok              bool
	}{{0, 0, true}, {1, 0, false}, {1, 1, true}, {2, 1, false}, {2, 5, true}} {
		opt := &fragile{fails: c.fails, restarts: c.restarts}
		s, err := NewStepper(opt, twoParams(), nil)
		if err != nil {
			t.Fatal(err)
		}
		s.LRScale = []float64{1, 2}
		values := []*tensor.Tensor{tensor.Vector[float32](8, 16), tensor.Vector[float32](1)}
		grads := []*tensor.Tensor{tensor.Vector[float32](4, 8), tensor.Vector[float32](1)}
		err = s.Step(Context{Step: 1, LR: 0.25}, values, grads)
		if (err == nil) != c.ok {
			t.Errorf("%+v: error %v", c, err)
		}
		want := []float32{8, 16, 1, 100, 100}
		updates := 0
		if c.ok {
			want, updates = []float32{7, 14, 0.5, 101, 101}, 1
		}
		got := []float32{values[0].F32()[0], values[0].F32()[1], values[1].F32()[0], s.Slots[0].Tensor.F32()[0], s.Slots[1].Tensor.F32()[0]}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%+v: values and slots %v, want %v", c, got, want)
				break
			}
		}
		if s.Updates[0] != updates || s.Updates[1] != updates {
			t.Errorf("%+v: updates %v", c, s.Updates)
		}
		s.Undo(nil)
		if values[0].F32()[0] != 8 || s.Slots[1].Tensor.F32()[0] != 100 || s.Updates[1] != 0 {
			t.Errorf("%+v: undone: %v %v", c, values[0].F32(), s.Updates)
		}
		if s.Close(); opt.allocated != 2 || opt.freed != 2 {
			t.Errorf("%d allocated, %d freed", opt.allocated, opt.freed)
		}
	}
}

func TestJointSkipsParametersWithoutGradient(t *testing.T) {
	s, err := NewStepper(&fragile{}, twoParams(), nil)
	if err != nil {
		t.Fatal(err)
	}
	values := []*tensor.Tensor{tensor.Vector[float32](8, 16), tensor.Vector[float32](1)}
	for _, grads := range [][]*tensor.Tensor{{nil, tensor.Vector[float32](1)}, {nil, nil}} {
		if err := s.Step(Context{Step: 1, LR: 1}, values, grads); err != nil {
			t.Fatal(err)
		}
	}
	if s.Updates[0] != 0 || s.Updates[1] != 1 || values[0].F32()[0] != 8 || values[1].F32()[0] != 0 {
		t.Errorf("updates %v, values %v %v", s.Updates, values[0].F32(), values[1].F32())
	}
}

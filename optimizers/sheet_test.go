package optimizers

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// walk is a few steps of one parameter; it returns the value and the state.
func walk(t *testing.T, opt string, dt tensor.DType, threads int, shape tensor.Shape) (*tensor.Tensor, []registry.NamedSlot) {
	t.Helper()
	e, settings, err := registry.Parse(opt)
	if err != nil {
		t.Fatal(err)
	}
	o, h, err := e.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	s, err := registry.NewStepper(o, []registry.ParamInfo{{Name: "w", Shape: shape, DType: dt}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := par.New(threads)
	defer pool.Close()
	w, g := tensor.New(dt, shape...), tensor.New(dt, shape...)
	w.SetFloat64s(normals(1, shape.Elems()))
	for step := 1; step <= 4; step++ {
		x := normals(uint64(10+step), shape.Elems())
		for i := range x {
			x[i] *= 0.05
		}
		g.SetFloat64s(x)
		c := registry.Context{Step: step, LR: h.LR, WeightDecay: h.WeightDecay, LossTerms: 16, Pool: pool}
		if err := s.Step(c, []*tensor.Tensor{w}, []*tensor.Tensor{g}); err != nil {
			t.Fatal(err)
		}
	}
	return w, s.Slots
}

var sheetShapes = []tensor.Shape{{70}, {40, 50}, {150, 260}, {7, 70, 3}, {33, 20, 3, 3}, {20, 3, 5, 5}, {6, 34, 2, 3, 4}}

// TestSheets compares steps in sheets with those in float64, which go axis by axis, by every instruction set.
func TestSheets(t *testing.T) {
	for _, c := range []struct {
		factors string
		tol     float64
	}{{"f32", 1e-5}, {"bf16", 1.5e-2}} {
		for _, interval := range []int{1, 2} {
			for _, shape := range sheetShapes {
				opt := fmt.Sprintf("ifshampoo,lr=0.1,interval=%d,factor_dtype=%s", interval, c.factors)
				want, state := walk(t, opt, tensor.Float64, 1, shape)
				for level := cpu.Generic; level <= cpu.Detected(); level++ {
					t.Run(fmt.Sprint(opt, shape, level), func(t *testing.T) {
						defer cpu.Limit(level)()
						got, slots := walk(t, opt, tensor.Float32, 2, shape)
						begin := tensor.Of(shape, normals(1, shape.Elems())...)
						if d := apartBy(got, want, begin); d > c.tol {
							t.Errorf("steps differ by %.1e", d)
						}
						for i, s := range slots {
							var begin *tensor.Tensor
							if strings.Contains(s.Name, "/K") && c.factors == "f32" { // in bf16 all of a diagonal may be rounded the other way
								begin = identityLike(s.Tensor)
							}
							if d := apartBy(s.Tensor, state[i].Tensor, begin); d > c.tol {
								t.Errorf("%s differs by %.1e", s.Name, d)
							}
						}
					})
				}
			}
		}
	}
}

// apartBy is ‖got-want‖/‖want-begin‖; a nil begin is 0.
func apartBy(got, want, begin *tensor.Tensor) float64 {
	x, y := got.Float64s(), want.Float64s()
	z := make([]float64, len(x))
	if begin != nil {
		z = begin.Float64s()
	}
	diff, size := 0.0, 0.0
	for i := range x {
		diff += (x[i] - y[i]) * (x[i] - y[i])
		size += (y[i] - z[i]) * (y[i] - z[i])
	}
	return math.Sqrt(diff / size)
}

func identityLike(t *tensor.Tensor) *tensor.Tensor {
	d := int(math.Sqrt(float64(t.Elems())))
	id := make([]float64, d*d)
	for i := range d {
		id[i*d+i] = 1
	}
	return tensor.Of(tensor.Shape{d * d}, id...)
}

func TestSheetsDoNotDependOnThreads(t *testing.T) {
	for _, factors := range []string{"f32", "bf16"} {
		for _, shape := range []tensor.Shape{{300, 200}, {120, 70, 3, 3}} {
			opt := "ifshampoo,interval=2,factor_dtype=" + factors
			want, state := walk(t, opt, tensor.Float32, 1, shape)
			got, slots := walk(t, opt, tensor.Float32, 3, shape)
			if !bytes.Equal(got.Data, want.Data) {
				t.Errorf("%s %v: values depend on the number of threads", factors, shape)
			}
			for i, s := range slots {
				if !bytes.Equal(s.Tensor.Data, state[i].Tensor.Data) {
					t.Errorf("%s %v: %s depends on the number of threads", factors, shape, s.Name)
				}
			}
		}
	}
}

// TestFactorsOfHalfModels checks what factor_dtype=auto, the default, makes of the precision that a model computes in.
func TestFactorsOfHalfModels(t *testing.T) {
	e, err := registry.Lookup("ifshampoo")
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := e.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for compute, want := range map[tensor.DType]tensor.DType{
		tensor.Invalid: tensor.Float32, tensor.Float32: tensor.Float32, tensor.BFloat16Type: tensor.BFloat16Type,
	} {
		p := registry.ParamInfo{Name: "w", Shape: tensor.Shape{3, 4}, DType: tensor.Float32, Compute: compute}
		slots := o.Slots(p)
		if got := slots[0].DType; got != want {
			t.Errorf("computing in %v: %s is %v, want %v", compute, slots[0].Name, got, want)
		}
		if got := slots[len(slots)-1]; got.DType != tensor.Float32 {
			t.Errorf("computing in %v: %s is %v", compute, got.Name, got.DType)
		}
	}
}

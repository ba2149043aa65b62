package onnxgo

import (
	"errors"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx" // registers the cases
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// undecoded are the cases that onnx-go does not decode, with a part of its error.
var undecoded = map[string]string{"TestScan9Sum": "AttributeProto_GRAPH"}

// TestSuite runs onnx-go's own test cases on this backend.
func TestSuite(t *testing.T) {
	passed, seen := 0, map[string]bool{}
	for _, newCase := range testbackend.GetAllRegisteredTests() {
		c := newCase()
		seen[c.Title] = true
		t.Run(c.Title, func(t *testing.T) {
			err := runCase(c)
			want, listed := undecoded[c.Title]
			switch {
			case listed && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v, want an error with %q", err, want)
			case !listed && err != nil:
				t.Error(err)
			case !listed:
				passed++
			}
		})
	}
	if len(seen) < 340 || passed != len(seen)-len(undecoded) {
		t.Errorf("%d of %d cases pass", passed, len(seen))
	}
}

func runCase(c *testbackend.TestCase) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(err, errPanic{r})
		}
	}()
	m, err := onnxload.Decode(c.Title, c.ModelB)
	if err != nil {
		return err
	}
	g, err := m.NewGraph()
	if err != nil {
		return err
	}
	b := New(m.Opset[""])
	defer b.Close()
	model := onnx.NewModel(b)
	if err := model.UnmarshalBinary(c.ModelB); err != nil {
		return err
	}
	for i, t := range c.Input {
		if t, err = declared(t, g.Inputs[i]); err != nil {
			return err
		}
		if err := model.SetInput(i, t); err != nil {
			return err
		}
	}
	if err := b.Run(); err != nil {
		return err
	}
	got, err := model.GetOutputTensors()
	if err != nil {
		return err
	}
	for i, t := range c.ExpectedOutput {
		if c.ExpectedOutput[i], err = declared(t, g.Outputs[i]); err != nil {
			return err
		}
	}
	return near(got, c.ExpectedOutput)
}

// declared gives a recorded tensor of one element the type that the model declares: the cases' generator wrote all of
// those as float32[1].
func declared(t gorgonia.Tensor, v *graph.Value) (gorgonia.Tensor, error) {
	recorded, err := fromGorgonia(t)
	if err != nil || recorded.Elems() != 1 || !v.Type.Static() || v.Type.Shape.Elems() != 1 {
		return t, err
	}
	as := tensor.New(v.Type.DType, v.Type.Shape...)
	as.SetFloat64s(recorded.Float64s())
	return toGorgonia(as)
}

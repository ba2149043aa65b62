package cpu

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestKernelsInHalf compares what runs a node with bf16 values, on every instruction set, with the reference: for every call
// whose floating point is float32, with its inputs, its outputs, all of them, or those in bf16 that are data and not statistics,
// as training has it. Numbers fit bf16, so that the results alone are rounded.
func TestKernelsInHalf(t *testing.T) {
	for _, c := range calls(t) {
		n, err := c.node()
		if err != nil || len(kernelsOf(n)) == 0 || !narrows(n) {
			continue
		}
		for _, form := range []string{"inputs", "outputs", "all", "data"} {
			n, _ := c.node()
			in := inHalf(c, n, form)
			want, err := evaluated(n, in)
			if err != nil {
				t.Errorf("%v/%s: reference: %v", c, form, err)
				continue
			}
			for l := level.Generic; l <= level.Detected(); l++ {
				restore := level.Limit(l)
				k := kernelFor(n)
				// A kernel of float32 over copies has its own test; here it is enough that the copies are right.
				if wrapped := k != nil && strings.HasSuffix(k.Name, "/f32"); k != nil && k.Name != "reference/f32" && (!wrapped || l == level.Detected()) {
					halfTested[k.Name] = true
					t.Run(fmt.Sprintf("%v/%s/%s/%v", c, form, k.Name, l), func(t *testing.T) { testHalf(t, *k, n, in, want) })
				}
				restore()
			}
		}
	}
}

// halfTested are the kernels that TestKernelsInHalf ran.
var halfTested = map[string]bool{}

// narrows reports whether a call is one that training in bf16 may meet: what is floating point is float32.
func narrows(n *graph.Node) bool {
	found := false
	for _, v := range slices.Concat(n.In, n.Out) {
		if v == nil || !v.Type.DType.IsFloat() {
			continue
		}
		if v.Type.DType != tensor.Float32 {
			return false
		}
		found = true
	}
	return found
}

// inHalf changes the types of n's values and returns inputs of these types.
func inHalf(c call, n *graph.Node, form string) []*tensor.Tensor {
	in := make([]*tensor.Tensor, len(c.In))
	largest := 0
	for _, t := range c.In {
		if t != nil && t.DType == tensor.Float32 {
			largest = max(largest, t.Elems())
		}
	}
	small := func(shape tensor.Shape) bool { return form == "data" && 8*shape.Elems() <= largest }
	for i, t := range c.In {
		if in[i] = t; t == nil || t.DType != tensor.Float32 || n.In[i].Kind == graph.Const {
			continue
		}
		half := tensor.New(tensor.BFloat16Type, t.Shape...)
		half.SetFloat64s(t.Float64s())
		if form == "outputs" || small(t.Shape) {
			in[i] = tensor.New(tensor.Float32, t.Shape...)
			in[i].SetFloat64s(half.Float64s())
			continue
		}
		in[i] = half
		n.In[i].Type.DType = tensor.BFloat16Type
	}
	for _, v := range n.Out {
		if v.Type.DType == tensor.Float32 && form != "inputs" && !small(v.Type.Shape) {
			v.Type.DType = tensor.BFloat16Type
		}
	}
	return in
}

// evaluated is the reference's result on widened inputs, rounded to the types of n's outputs.
func evaluated(n *graph.Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	in = slices.Clone(in)
	for i, t := range in {
		if t != nil && t.DType == tensor.BFloat16Type {
			in[i] = tensor.New(tensor.Float32, t.Shape...)
			in[i].SetFloat64s(t.Float64s())
		}
	}
	out, err := op.EvalNode(inFloat32(n), in)
	for i, t := range out {
		if isHalf(n.Out[i]) {
			out[i] = tensor.New(tensor.BFloat16Type, t.Shape...)
			out[i].SetFloat64s(t.Float64s())
		}
	}
	return out, err
}

func testHalf(t *testing.T, k Kernel, n *graph.Node, in, want []*tensor.Tensor) {
	var one []*tensor.Tensor
	for threads := 1; threads <= 3; threads++ {
		got, err := k.call(n, in, threads, -1)
		if err != nil {
			t.Fatalf("%d threads: %v", threads, err)
		}
		if threads == 1 {
			one = got
		}
		for i := range want {
			tol := k.Tol
			if tol == (Tol{}) {
				tol = Tol{1e-5, 1e-5}
			}
			if want[i].DType == tensor.BFloat16Type {
				tol.Rel += 1.0 / 128 // two roundings on either side of a boundary
			}
			if strings.HasSuffix(n.Op.Type, "UGrad") || n.Op.Type == "LSTMGrad" {
				tol = Tol{0.05, 0.05} // the kernels go on from the rounded states that they are given, the reference from its own
			}
			if err := compare(got[i], want[i], tol); err != nil && threads == 1 {
				t.Errorf("output %d: %v", i, err)
			}
			if !bytes.Equal(got[i].Data, one[i].Data) {
				t.Errorf("output %d: %d threads give other bits than one", i, threads)
			}
		}
	}
	testInPlace(t, k, n, in, one)
}

package cpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestKernelsOnOddShapes runs every kernel on samples with another shape of one input, empty ones among them, as far as the
// operator takes it: no kernel panics, and all agree with the reference.
func TestKernelsOnOddShapes(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	for _, c := range calls(t) {
		if c.def.Random {
			continue
		}
		for i, in := range c.In {
			if in == nil || slices.Contains(c.Const, i) || in.Elems() > 1000 {
				continue
			}
			for _, shape := range oddShapes(in.Shape) {
				odd := c
				odd.In = slices.Clone(c.In)
				odd.In[i] = repeated(in, shape)
				odd.oddly(t, pool, fmt.Sprintf("input %d of shape %v", i, shape))
			}
		}
	}
}

func (c call) oddly(t *testing.T, pool *par.Pool, what string) {
	n, err := c.node()
	if err != nil {
		return
	}
	list := Candidates(n)
	if len(list) == 0 || op.Empty(n) { // a program computes nothing then
		return
	}
	for _, v := range n.Out {
		if v.Type.Shape.Elems() > 1<<16 {
			return
		}
	}
	want, err := op.EvalNode(n, c.In)
	if err != nil {
		return
	}
	for _, k := range list {
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%v, %s, %s: panic: %v", c, k.Name, what, r)
				}
			}()
			got, err := k.once(n, c.In, pool)
			if err != nil {
				t.Errorf("%v, %s, %s: %v", c, k.Name, what, err)
				return
			}
			for i := range want {
				if err := compare(got[i], want[i], k.Tol); err != nil {
					t.Errorf("%v, %s, %s: output %d: %v", c, k.Name, what, i, err)
				}
			}
		}()
	}
}

// once binds and runs the kernel over poisoned memory.
func (k Kernel) once(n *graph.Node, in []*tensor.Tensor, pool *par.Pool) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, len(n.Out))
	for i, v := range n.Out {
		out[i] = tensor.New(v.Type.DType, v.Type.Shape...)
		poison(out[i].Data)
	}
	s := Scratch{Pool: pool}
	if k.Scratch != nil {
		s.Mem = tensor.New(tensor.Uint8, k.Scratch(n, pool.Threads())).Data
		poison(s.Mem)
	}
	run, err := k.Bind(n, in, out, s)
	if err != nil {
		return nil, err
	}
	return out, run()
}

// oddShapes are shapes near s.
func oddShapes(s tensor.Shape) []tensor.Shape {
	all := []tensor.Shape{{}, {0}, {1}, append(tensor.Shape{1}, s...)}
	for d := range s {
		longer, one, empty := s.Clone(), s.Clone(), s.Clone()
		longer[d]++
		one[d], empty[d] = 1, 0
		all = append(all, longer, one, empty, slices.Delete(s.Clone(), d, d+1))
	}
	return all
}

// repeated is a tensor of another shape with the elements of t over and over.
func repeated(t *tensor.Tensor, shape tensor.Shape) *tensor.Tensor {
	out := tensor.New(t.DType, shape...)
	for i := 0; i < len(out.Data) && len(t.Data) > 0; {
		i += copy(out.Data[i:], t.Data)
	}
	return out
}

package ops

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestHostileCalls changes one thing about every sample: inputs, types, shapes, constants, attributes, outputs. What an
// operator does not allow is an error, in Infer or at the latest in Eval, and never a panic.
func TestHostileCalls(t *testing.T) {
	t.Parallel()
	for _, def := range op.All() {
		if def.Domain == op.Internal {
			continue // made by passes alone, not read from files
		}
		for _, s := range def.Samples() {
			eachHostile(s, func(what string, h op.Sample, node func(*graph.Node)) {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%v/%s, %s: panic: %v", def.ID(), s.Name, what, r)
					}
				}()
				tryCall(def, h, node)
			})
		}
	}
}

// tryCall infers a call and, when its outputs are small, runs it.
func tryCall(def op.Def, s op.Sample, node func(*graph.Node)) {
	g := graph.New("hostile")
	n := &graph.Node{Name: "node", Op: def.ID(), Attrs: s.Attrs}
	for i, in := range s.In {
		switch {
		case in == nil:
			n.In = append(n.In, nil)
		case slices.Contains(s.Const, i):
			n.In = append(n.In, g.NewConst("", in))
		default:
			n.In = append(n.In, g.NewValue("", graph.Input, graph.Type{DType: in.DType, Shape: in.Shape}))
		}
	}
	for range max(s.Outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	node(n)
	if def.Infer(n) != nil {
		return
	}
	for _, v := range n.Out {
		if v != nil && (!v.Type.Static() || v.Type.Shape.Elems() > 1<<16) {
			return
		}
	}
	in := make([]*tensor.Tensor, len(n.In))
	for i, v := range n.In {
		if v == nil {
			continue
		}
		if in[i] = v.Init; in[i] == nil {
			if v.Type.Shape.Elems() > 1<<16 {
				return
			}
			in[i] = s.In[min(i, len(s.In)-1)]
			if in[i] == nil || in[i].DType != v.Type.DType || !in[i].Shape.Equal(v.Type.Shape) {
				in[i] = tensor.New(v.Type.DType, v.Type.Shape...)
			}
		}
	}
	_, _ = op.EvalNode(n, in) // an error is as good as a result
}

// eachHostile calls try with every change to a sample; node changes the node that is made of it.
func eachHostile(s op.Sample, try func(what string, h op.Sample, node func(*graph.Node))) {
	same := func(*graph.Node) {}
	for count := range len(s.In) {
		h := s
		h.In = s.In[:count:count]
		try(fmt.Sprintf("%d inputs", count), h, same)
	}
	try("an input more", s, func(n *graph.Node) {
		if len(n.In) > 0 {
			n.In = append(n.In, n.In[0])
		}
	})
	for _, outs := range []int{0, 2, 7} {
		try(fmt.Sprintf("%d outputs more", outs), s, func(n *graph.Node) {
			n.Out = append(n.Out, make([]*graph.Value, outs)...)
		})
	}
	for i, in := range s.In {
		if in == nil {
			continue
		}
		change := func(what string, to *tensor.Tensor) {
			h := s
			h.In = slices.Clone(s.In)
			h.In[i] = to
			try(fmt.Sprintf("input %d %s", i, what), h, same)
		}
		change("absent", nil)
		for _, dt := range []tensor.DType{tensor.Bool, tensor.Int64, tensor.Uint8, tensor.Float64, tensor.Float16} {
			change("of type "+dt.String(), tensor.New(dt, in.Shape...))
		}
		for _, shape := range hostileShapes(in.Shape) {
			change(fmt.Sprintf("of shape %v", shape), tensor.New(in.DType, shape...))
			try(fmt.Sprintf("input %d is not constant and of shape %v", i, shape), s, func(n *graph.Node) {
				n.In[i] = &graph.Value{Kind: graph.Input, Type: graph.Type{DType: in.DType, Shape: shape}}
			})
		}
		try(fmt.Sprintf("input %d is huge", i), s, func(n *graph.Node) {
			shape := in.Shape.Clone()
			for d := range shape {
				shape[d] = math.MaxInt32
			}
			n.In[i] = &graph.Value{Kind: graph.Input, Type: graph.Type{DType: in.DType, Shape: shape}}
		})
		for _, x := range []int64{-1, 0, 1, 2, -1 << 31, math.MaxInt64, math.MinInt64} {
			if in.DType.IsInt() {
				t := tensor.New(in.DType, in.Shape...)
				t.SetInt64s(slices.Repeat([]int64{x}, t.Elems()))
				change(fmt.Sprintf("of %d", x), t)
			}
		}
		if in.DType.IsFloat() {
			for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e30} {
				change(fmt.Sprintf("of %v", x), fill(in.DType, x, in.Shape...))
			}
		}
	}
	for _, a := range s.Attrs {
		h := s
		h.Attrs = s.Attrs.Without(a.Name)
		try("no attribute "+a.Name, h, same)
		for _, value := range hostileValues(a.Value) {
			h.Attrs = s.Attrs.With(a.Name, value)
			try(fmt.Sprintf("attribute %s of %v", a.Name, value), h, same)
		}
	}
}

func hostileShapes(s tensor.Shape) []tensor.Shape {
	all := []tensor.Shape{{}, {0}, {1}, {7}, append(tensor.Shape{1}, s...), append(s.Clone(), 2)}
	for d := range s {
		longer, empty := s.Clone(), s.Clone()
		longer[d]++
		empty[d] = 0
		all = append(all, longer, empty, slices.Delete(s.Clone(), d, d+1))
	}
	return all
}

func hostileValues(v any) []any {
	all := []any{int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), float32(math.NaN()), float32(-1), "", "odd", []int64{}, []string{}}
	if list, ok := v.([]int64); ok {
		all = append(all, list[:max(len(list)-1, 0)], append(slices.Clone(list), 1))
		for _, x := range []int64{0, -1, 3, math.MaxInt64, math.MinInt64} {
			all = append(all, slices.Repeat([]int64{x}, len(list)))
		}
	}
	if list, ok := v.([]float32); ok {
		all = append(all, list[:max(len(list)-1, 0)], slices.Repeat([]float32{float32(math.NaN())}, len(list)), slices.Repeat([]float32{-1}, len(list)))
	}
	return all
}

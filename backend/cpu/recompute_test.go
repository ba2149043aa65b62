package cpu

import (
	"bytes"
	"context"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// normalised is two convolutions with a rectified BatchNorm in between, and the gradients of all weights; what is
// computed of images is of a type.
func normalised(t *testing.T, dt tensor.DType) *graph.Graph {
	t.Helper()
	const images, channels, size = 2, 64, 72
	g := graph.New("normalised")
	param := func(kind graph.Kind, seed uint64, shape ...int) *graph.Value {
		v := g.NewValue("", kind, graph.Type{DType: tensor.Float32, Shape: shape})
		v.Init = op.Uniform(seed, 0.1, 0.5, shape...)
		return v
	}
	build := func(domain, typ string, attrs graph.Attrs, outs int, in ...*graph.Value) *graph.Value {
		t.Helper()
		out, err := op.Build(g, nil, domain, typ, attrs, outs, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	same := graph.MakeAttrs("pads", []int{1, 1, 1, 1})
	x := g.NewValue("x", graph.Input, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{images, 3, size, size}})
	w, v := param(graph.Param, 1, channels, 3, 3, 3), param(graph.Param, 2, channels, channels, 3, 3)
	scale, bias := param(graph.Param, 3, channels), param(graph.Param, 4, channels)
	mean, variance := param(graph.State, 5, channels), param(graph.State, 6, channels)
	y := build("", "Conv", same, 1, x, w)
	y = build(op.Internal, "FusedBatchNorm", reluAttrs, 5, y, scale, bias, mean, variance)
	y = build("", "Conv", same, 1, y, v)
	seed := g.NewValue("dy", graph.Input, y.Type)
	grads, err := autodiff.Gradient(g, y, seed, []*graph.Value{w, v, scale, bias})
	if err != nil {
		t.Fatal(err)
	}
	g.Outputs = append([]*graph.Value{y}, grads...)
	for _, v := range g.Values {
		if s := v.Type.Shape; v.Kind == graph.Computed && len(s) == 4 && s[0] == images {
			v.Type.DType = dt
		}
	}
	return g
}

// A BatchNorm's result that is computed again has the same bits, frees memory in between, and is not computed again where it
// is to be read after the run.
func TestComputedAgain(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.BFloat16Type} {
		t.Run(dt.String(), func(t *testing.T) { testComputedAgain(t, dt) })
	}
}

func testComputedAgain(t *testing.T, dt tensor.DType) {
	g := normalised(t, dt)
	nodes, values := len(g.Nodes), len(g.Values)
	run := func(o backend.Options) (results [][]byte, recomputed int, arena int64) {
		p, err := engine{}.Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for i, v := range g.Inputs {
			copy(p.Tensor(v).Data, op.Uniform(uint64(i+1), -1, 1, v.Type.Shape...).Data)
		}
		times, err := p.Profile(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range times {
			if s.Kernel == computeAgain.Name {
				recomputed++
			}
		}
		for _, n := range g.Nodes {
			if p.Kernel(n) == "" {
				t.Errorf("node %v has no kernel", n.Op)
			}
		}
		for _, v := range g.Outputs {
			results = append(results, bytes.Clone(p.Tensor(v).Data))
		}
		return results, recomputed, p.Memory().ArenaBytes
	}
	got, times, arena := run(backend.Options{})
	var y *graph.Value
	for _, n := range g.Nodes {
		if n.Op.Type == "FusedBatchNorm" {
			y = n.Out[0]
		}
	}
	want, kept, all := run(backend.Options{Keep: []*graph.Value{y}})
	if times != 1 || kept != 0 {
		t.Errorf("computed again %d times, %d times where the value is kept", times, kept)
	}
	if arena >= all {
		t.Errorf("an arena of %d bytes, %d without computing again", arena, all)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("result %d has other bits", i)
		}
	}
	if len(g.Nodes) != nodes || len(g.Values) != values {
		t.Error("compiling changed the graph")
	}
}

package bench

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestFLOPs(t *testing.T) {
	type shapes = []tensor.Shape
	for _, c := range []struct {
		domain, typ string
		attrs       graph.Attrs
		in          shapes // nil: absent
		outs        int
		want        float64
	}{
		{"", "MatMul", nil, shapes{{5, 2, 3}, {3, 4}}, 1, 2 * 5 * 2 * 3 * 4},
		{"", "MatMul", nil, shapes{{3}, {3, 4}}, 1, 2 * 3 * 4},
		{"", "Gemm", graph.MakeAttrs("transA", 1), shapes{{3, 2}, {3, 4}, {4}}, 1, 2 * 2 * 3 * 4},
		{op.Internal, "FusedMatMul", graph.MakeAttrs("transA", 1), shapes{{5, 3, 2}, {5, 3, 4}}, 1, 2 * 5 * 2 * 3 * 4},
		{"", "Conv", graph.MakeAttrs("group", 2), shapes{{1, 4, 5, 5}, {6, 2, 3, 3}}, 1, 2 * 6 * 9 * 2 * 9},
		{"", "ConvTranspose", nil, shapes{{1, 4, 2, 2}, {4, 3, 3, 3}}, 1, 2 * 16 * 27},
		{op.Internal, "ConvGradInput", graph.MakeAttrs("shape", []int{1, 2, 5, 5}), shapes{{1, 6, 3, 3}, {6, 2, 3, 3}}, 1, 2 * 54 * 18},
		{op.Internal, "ConvGradWeight", graph.MakeAttrs("shape", []int{6, 2, 3, 3}), shapes{{1, 6, 3, 3}, {1, 2, 5, 5}}, 1, 2 * 54 * 18},
		{"", "Attention", nil, shapes{{2, 3, 4, 8}, {2, 3, 5, 8}, {2, 3, 5, 6}}, 1, 2 * 2 * 3 * 4 * 5 * (8 + 6)},
		{op.Internal, "AttentionGrad", nil, shapes{{2, 3, 4, 8}, {2, 3, 5, 8}, {2, 3, 5, 6}, nil, nil, {2, 3, 4, 6}}, 3, 4 * 2 * 3 * 4 * 5 * (8 + 6)},
		{"", "Einsum", graph.MakeAttrs("equation", "bij,bjk->bik"), shapes{{5, 2, 3}, {5, 3, 4}}, 1, 2 * 5 * 2 * 3 * 4},
		{"", "Einsum", graph.MakeAttrs("equation", "ij->ji"), shapes{{5, 2}}, 1, 0},
		{"", "LSTM", graph.MakeAttrs("hidden_size", 4), shapes{{5, 2, 3}, {1, 16, 3}, {1, 16, 4}}, 1, 2 * 10 * 16 * (3 + 4)},
		{"", "Relu", nil, shapes{{5, 2}}, 1, 0},
	} {
		g := graph.New("call")
		var in []*graph.Value
		for _, s := range c.in {
			if s == nil {
				in = append(in, nil)
				continue
			}
			in = append(in, g.NewValue("", graph.Input, graph.Type{DType: tensor.Float32, Shape: s}))
		}
		opset := 23
		if c.domain != "" {
			opset = 1
		}
		def, err := op.Resolve(c.domain, c.typ, opset)
		if err != nil {
			t.Fatal(err)
		}
		n := &graph.Node{Name: "node", Op: def.ID(), Attrs: c.attrs, In: in}
		for range c.outs {
			n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
		}
		g.AddNode(n)
		if err := def.Infer(n); err != nil {
			t.Errorf("%s: %v", c.typ, err)
			continue
		}
		if got := FLOPs(n); got != c.want {
			t.Errorf("%s of %v: %v, want %v", c.typ, c.in, got, c.want)
		}
	}
}

// TestFLOPsOfGradients compares a recurrent layer's gradient with what it needs: once more as much for the states, and
// as much again for each of X, W and R.
func TestFLOPsOfGradients(t *testing.T) {
	g := graph.New("call")
	value := func(s ...int) *graph.Value {
		return g.NewValue("", graph.Computed, graph.Type{DType: tensor.Float32, Shape: s})
	}
	n := &graph.Node{Op: graph.OpID{Domain: op.Internal, Type: "GRUGrad", Since: 1}, In: []*graph.Value{value(5, 2, 3), value(1, 12, 3), value(1, 12, 4)}}
	n.Out = []*graph.Value{nil, value(1, 12, 3), value(1, 12, 4)}
	if got, want := FLOPs(n), 2.0*10*(12*3+2*12*4); got != want {
		t.Errorf("without the gradient of X: %v, want %v", got, want)
	}
	n.Out[0] = value(5, 2, 3)
	if got, want := FLOPs(n), 2.0*10*(2*12*3+2*12*4); got != want {
		t.Errorf("with the gradient of X: %v, want %v", got, want)
	}
}

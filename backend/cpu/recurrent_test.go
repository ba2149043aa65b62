package cpu

import (
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, size := range []struct{ steps, batch, input, hidden int }{{5, 7, 33, 40}, {3, 65, 20, 96}} {
		for _, direction := range []string{"forward", "bidirectional"} {
			attrs := graph.MakeAttrs("direction", direction, "hidden_size", size.hidden)
			dirs := 1
			if direction == "bidirectional" {
				dirs = 2
			}
			layer := func(gates int) []*tensor.Tensor {
				scale := 1 / float64(size.hidden)
				return []*tensor.Tensor{
					normal(1, size.steps, size.batch, size.input), op.Uniform(2, -scale, scale, dirs, gates*size.hidden, size.input),
					op.Uniform(3, -scale, scale, dirs, gates*size.hidden, size.hidden), op.Uniform(4, -scale, scale, dirs, 2*gates*size.hidden),
					nil, normal(5, dirs, size.batch, size.hidden),
				}
			}
			recurrentCalls("LSTM", direction, attrs, append(layer(4), normal(6, dirs, size.batch, size.hidden), nil), 3, 6)
			recurrentCalls("GRU", direction, attrs, layer(3), 2, 5)
			recurrentCalls("GRU", direction+", linear before reset", attrs.With("linear_before_reset", 1), layer(3), 2, 5)
		}
	}
}

// recurrentCalls adds a layer and its gradient.
func recurrentCalls(typ, name string, attrs graph.Attrs, in []*tensor.Tensor, outs, grads int) {
	more("", typ, name, attrs, in...).Outs = outs
	g := graph.New("")
	var values []*graph.Value
	for _, t := range in {
		var v *graph.Value
		if t != nil {
			v = g.NewConst("", t)
		}
		values = append(values, v)
	}
	out, err := op.Build(g, nil, "", typ, attrs, outs, values...)
	if err != nil {
		panic(err)
	}
	y, err := op.EvalNode(out[0].Producer, in)
	if err != nil {
		panic(err)
	}
	in = append(slices.Clone(in), y[0])
	for i, t := range y {
		in = append(in, normal(uint64(10+i), t.Shape...))
	}
	more(op.Internal, typ+"Grad", name, attrs, in...).Outs = grads
}

// TestRecurrentWithoutY runs layers that are asked for their last states alone.
func TestRecurrentWithoutY(t *testing.T) {
	for _, c := range calls(t) {
		if typ := c.def.Type; typ != "LSTM" && typ != "GRU" || c.Outs < 2 {
			continue
		}
		n, err := c.node()
		if err != nil || len(Candidates(n)) == 0 {
			continue
		}
		want, err := op.EvalNode(n, c.In)
		if err != nil {
			t.Fatal(err)
		}
		n.Out[0] = nil
		out := []*tensor.Tensor{nil}
		for _, w := range want[1:] {
			out = append(out, tensor.New(w.DType, w.Shape...))
		}
		k := Candidates(n)[0]
		s := Scratch{Pool: par.New(2), Mem: tensor.New(tensor.Uint8, k.Scratch(n, 2)).Data}
		poison(s.Mem)
		run, err := k.Bind(n, c.In, out, s)
		if err == nil {
			err = run()
		}
		s.Pool.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(out); i++ {
			if err := compare(out[i], want[i], k.Tol); err != nil {
				t.Errorf("%v: output %d: %v", c, i, err)
			}
		}
	}
}

package pass

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func (d draft) contrib(typ string, outs int, attrs graph.Attrs, in ...*graph.Value) []*graph.Value {
	out := d.node(typ, outs, attrs, in...)
	d.Nodes[len(d.Nodes)-1].Op = graph.OpID{Domain: "com.microsoft", Type: typ, Since: 1}
	return out
}

// Weights of zero but for the values, which come from x unchanged, make every query the mean of what it sees.
func TestFusedAttention(t *testing.T) {
	for _, c := range []struct {
		name string
		more graph.Attrs
		mask *tensor.Tensor
		want []float64
	}{
		{"all", nil, nil, []float64{4, 4, 4}},
		{"causal", graph.MakeAttrs("unidirectional", 1), nil, []float64{1, 3.0 / 2, 4}},
		{"mask", nil, tensor.Of[int32](tensor.Shape{1, 3}, 1, 0, 1), []float64{5, 5, 5}},
		{"length", nil, tensor.Vector[int32](2), []float64{1.5, 1.5, 1.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft()
			x := d.input("x", tensor.Float32, 1, 3, 1)
			w := d.NewConst("w", tensor.Of[float32](tensor.Shape{1, 3}, 0, 0, 1))
			in := []*graph.Value{x, w, nil, nil}
			if c.mask != nil {
				in[3] = d.NewConst("mask", c.mask)
			}
			d.returns(d.contrib("Attention", 1, c.more.With("num_heads", 1), in...)...)
			got := run(t, d.Graph, tensor.Of[float32](tensor.Shape{1, 3, 1}, 1, 2, 9))
			wantFloats(t, got[0], tensor.Shape{1, 3, 1}, c.want...)
		})
	}
}

func TestFusedAttentionHasAGradient(t *testing.T) {
	d := newDraft()
	x := d.input("x", tensor.Float32, 2, 3, 4)
	w, bias := d.NewConst("w", op.Normalish(1, 4, 12)), d.NewConst("bias", op.Normalish(2, 12))
	d.returns(d.contrib("Attention", 1, graph.MakeAttrs("num_heads", 2), x, w, bias)...)
	checkGradient(t, d.Graph, op.Normalish(3, 2, 3, 4), op.Normalish(4, 2, 3, 4))
}

func TestMultiHeadAttentionUnpacks(t *testing.T) {
	const batch, length, heads, size = 2, 3, 2, 4
	all := op.Normalish(1, batch, length, heads, 3, size)
	var apart [3]*tensor.Tensor
	for k := range apart {
		apart[k] = tensor.New(tensor.Float32, batch, length, heads*size)
		for i := range apart[k].F32() {
			apart[k].F32()[i] = all.F32()[(i/size*3+k)*size+i%size]
		}
	}
	attrs := graph.MakeAttrs("num_heads", heads)
	packed, plain := newDraft(), newDraft()
	packed.returns(packed.contrib("MultiHeadAttention", 1, attrs, packed.input("x", tensor.Float32, all.Shape...))...)
	var in []*graph.Value
	for _, name := range []string{"q", "k", "v"} {
		in = append(in, plain.input(name, tensor.Float32, apart[0].Shape...))
	}
	plain.returns(plain.contrib("MultiHeadAttention", 1, attrs, in...)...)
	want := run(t, plain.Graph, apart[:]...)[0]
	wantFloats(t, run(t, packed.Graph, all)[0], want.Shape, want.Float64s()...)
}

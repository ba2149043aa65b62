package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{23, 24, 25} {
		op.Register(op.Def{
			Type: "Attention", Since: since,
			Infer:   inferAttention,
			NoGrad:  []int{6},
			Grad:    gradAttention,
			Eval:    evalAttention,
			Samples: func() []op.Sample { return attentionSamples(since) },
		})
	}
}

func inferAttention(n *graph.Node) error {
	most := 7
	if n.Op.Since < 24 {
		most = 6
	}
	if err := inputs(n, 3, most); err != nil {
		return err
	}
	for i, s := range []types{floats, floats, floats, anyType, floats, floats, setOf(tensor.Int64)} {
		if err := allow(n, i, s); err != nil {
			return err
		}
	}
	for _, list := range [][]int{{0, 1, 4}, {2, 5}} {
		if err := sameType(n, floats, list...); err != nil {
			return err
		}
	}
	a, err := attentionOf(n)
	if err != nil {
		return err
	}
	cache := func(size int) tensor.Shape { return tensor.Shape{a.batch, a.kvHeads, a.keys, size} }
	for i, t := range []graph.Type{
		{DType: typeOf(n, 0), Shape: a.y},
		{DType: typeOf(n, 1), Shape: cache(a.size)},
		{DType: typeOf(n, 2), Shape: cache(a.valueSize)},
		{DType: typeOf(n, 0), Shape: tensor.Shape{a.batch, a.heads, a.queries, a.keys}},
	} {
		if err := set(n, i, t.DType, t.Shape); err != nil {
			return err
		}
	}
	return nil
}

// evalAttention computes in float64 throughout, which is at least every softmax_precision that can be asked for.
func evalAttention(n *graph.Node, in, out []*tensor.Tensor) error {
	a, err := attentionOf(n)
	if err != nil {
		return err
	}
	k, v := a.join(optional(in, 4), in[1], a.size), a.join(optional(in, 5), in[2], a.valueSize)
	x := attentionData{q: in[0].Float64s(), k: k, v: v}
	if err := x.masks(&a, optional(in, 3), optional(in, 6)); err != nil {
		return err
	}
	y := make([]float64, a.y.Elems())
	var shown []float64
	if optional(out, 3) != nil {
		shown = make([]float64, out[3].Elems())
	}
	a.eachRow(&x, func(r *attentionRow) {
		r.forward(&a, &x)
		for j, p := range r.weights {
			if p == 0 {
				continue
			}
			value := x.v[r.valueAt(&a, j):][:a.valueSize]
			for d, v := range value {
				y[r.outAt+d] += p * v
			}
		}
		if shown != nil {
			copy(shown[r.index*a.keys:], r.stage(a.shown))
		}
	})
	out[0].SetFloat64s(y)
	for i, v := range [][]float64{nil, x.k, x.v, shown} {
		if i > 0 && optional(out, i) != nil {
			out[i].SetFloat64s(v)
		}
	}
	return nil
}

// present reports the keys and values of inputs that come in pairs.
func present(n *graph.Node, i, j int) (bool, error) {
	a, b := n.Input(i) != nil, n.Input(j) != nil
	if a != b {
		return false, fmt.Errorf("inputs %d and %d must be given together", i, j)
	}
	return a, nil
}

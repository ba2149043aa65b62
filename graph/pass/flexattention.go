package pass

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	expansions[[2]string{"ai.onnx.preview", "FlexAttention"}] = expansion{run: (*expander).flexAttention}
}

// flexAttention expands attention whose scores and weights go through subgraphs: softmax(score_mod(Q Kᵀ scale)), then
// prob_mod, times V.
func (x *expander) flexAttention(n *graph.Node) error {
	own := n.In
	if subs := subgraphs(n); len(subs) > 0 {
		own, _ = x.captures.split(n, subs[0])
	}
	if len(own) != 3 || own[0] == nil || own[1] == nil || own[2] == nil {
		return fmt.Errorf("queries, keys and values are needed")
	}
	q, k, v := own[0].Type.Shape, own[1].Type.Shape, own[2].Type.Shape
	if len(q) != 4 || len(k) != 4 || len(v) != 4 || k[1] == 0 || q[1]%k[1] != 0 || k[1] != v[1] || k[2] != v[2] || k[3] != q[3] {
		return fmt.Errorf("queries, keys and values of shapes %v, %v and %v do not fit together", q, k, v)
	}
	e := emitter{x: x, n: n}
	precision := n.Attrs.Int("softmax_precision", 0)
	keys, values := e.repeat(own[1], q[1]/k[1]), e.repeat(own[2], q[1]/k[1])
	scores := e.op("MatMul", nil, own[0], e.op("Transpose", graph.MakeAttrs("perm", []int{0, 1, 3, 2}), keys))
	scores = e.op("Mul", nil, scores, e.scalar(own[0].Type.DType, n.Attrs.Float("scale", 1/math.Sqrt(float64(q[3])))))
	scores = e.modify("score_mod", e.cast(scores, precision))
	weights := e.modify("prob_mod", e.op("Softmax", graph.MakeAttrs("axis", -1), scores))
	y := e.op("MatMul", nil, weights, e.cast(values, precision))
	if e.err == nil && y.Type.DType != own[2].Type.DType {
		y = e.op("CastLike", nil, y, own[2])
	}
	return e.finish([]*graph.Value{y})
}

// repeat gives every head of keys or values times in a row, for as many heads of queries.
func (e *emitter) repeat(v *graph.Value, times int) *graph.Value {
	if times == 1 {
		return v
	}
	s := v.Type.Shape
	v = e.op("Reshape", nil, v, e.ints(s[0], s[1], 1, s[2], s[3]))
	v = e.op("Expand", nil, v, e.ints(s[0], s[1], times, s[2], s[3]))
	return e.op("Reshape", nil, v, e.ints(s[0], s[1]*times, s[2], s[3]))
}

// cast converts to the type of softmax, by its ONNX number: by default float32, or double for double.
func (e *emitter) cast(v *graph.Value, to int) *graph.Value {
	if e.err != nil {
		return nil
	}
	if to == 0 {
		if dt := v.Type.DType; dt == tensor.Float32 || dt == tensor.Float64 {
			return v
		}
		to = 1
	}
	return e.op("Cast", graph.MakeAttrs("to", to), v)
}

// modify passes v through the subgraph of an attribute, if there is one.
func (e *emitter) modify(name string, v *graph.Value) *graph.Value {
	sub := e.n.Attrs.Graph(name)
	if sub == nil || e.err != nil {
		return v
	}
	outs, err := e.x.inline(e.n, sub, e.n.Name+"/"+name+"/", []*graph.Value{v})
	switch {
	case err != nil:
		e.err = err
	case len(outs) != 1 || outs[0].Type.DType != v.Type.DType || !outs[0].Type.Shape.Equal(v.Type.Shape):
		e.err = fmt.Errorf("attribute %s does not turn one tensor %v into another", name, v.Type)
	default:
		return outs[0]
	}
	return nil
}

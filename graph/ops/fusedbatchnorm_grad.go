package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// FusedBatchNormGrad gives dx, dscale, dbias and the residual's gradient from dy, x, scale, the batch's mean and inverse
// standard deviation, and what says where the activation let dy through: factor and shift of the FusedBatchNorm, or nil
// twice and y.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "FusedBatchNormGrad", Since: 1,
		Infer:   inferFusedBatchNormGrad,
		Eval:    evalFusedBatchNormGrad,
		Samples: fusedBatchNormGradSamples,
	})
}

func inferFusedBatchNormGrad(n *graph.Node) error {
	if len(n.In) != 7 && len(n.In) != 8 || len(n.Out) > 4 {
		return fmt.Errorf("%d inputs and %d outputs, want 7 or 8 and at most 4", len(n.In), len(n.Out))
	}
	act, err := gateOf(n)
	if err != nil {
		return err
	}
	y := n.Input(7)
	for i, v := range n.In[:7] {
		if (v == nil) != (i > 4 && y != nil) {
			return fmt.Errorf("want x, its statistics, and either factor and shift or y")
		}
	}
	switch {
	case act.kind == "none":
		return fmt.Errorf("no activation, which is a BatchNormGrad")
	case act.kind == "clip" && y != nil:
		return fmt.Errorf("y does not say where a clip let the gradient through")
	}
	for _, i := range []int{0, 7} {
		if v := n.Input(i); v != nil && (v.Type.DType != typeOf(n, 1) || !v.Type.Shape.Equal(shapeOf(n, 1))) {
			return fmt.Errorf("input %d, %q, is %v beside %v", i, v.Name, v.Type, n.In[1].Type)
		}
	}
	if err := rank(n, 1, 1, -1); err != nil {
		return err
	}
	list := []int{2, 3, 4, 5, 6}
	if y != nil {
		list = list[:3]
	}
	if err := perChannel(n, 1, list...); err != nil {
		return err
	}
	for i := range n.Out {
		like := 2
		if i == 0 || i == 3 {
			like = 1
		}
		if err := set(n, i, typeOf(n, like), shapeOf(n, like)); err != nil {
			return err
		}
	}
	return nil
}

func evalFusedBatchNormGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	act, err := gateOf(n)
	if err != nil {
		return err
	}
	dy, l := in[0].Float64s(), channelsOf(in[1].Shape)
	var at func(c, i int) float64
	if t := optional(in, 7); t != nil {
		y := t.Float64s()
		at = func(_, i int) float64 { return y[i] }
	} else {
		x, factor, shift := in[1].Float64s(), in[5].Float64s(), in[6].Float64s()
		at = func(c, i int) float64 { return x[i]*factor[c] + shift[c] }
	}
	for c := range l.count {
		l.each(c, func(i int) {
			if v := at(c, i); v != v {
				dy[i] = v
			} else if !act.open(v) {
				dy[i] = 0
			}
		})
	}
	dx, dscale, dbias := batchNormGrad(dy, in[1], in[2], in[3], in[4])
	setOutputs(out, dx, dscale, dbias, dy)
	return nil
}

func fusedBatchNormGradSamples() []op.Sample {
	of := func(name string, outs int, shape []int, attrs ...any) op.Sample {
		c := channelsOf(shape).count
		return op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs(attrs...),
			In: []*tensor.Tensor{op.Normalish(1, shape...), op.Normalish(2, shape...), op.Uniform(3, 0.5, 1.5, c), op.Normalish(4, c),
				op.Uniform(5, 0.5, 2, c), op.Uniform(6, 0.5, 1.5, c), op.Normalish(7, c)}}
	}
	ofSum := func(name string, outs int, shape ...int) op.Sample {
		s := of(name, outs, shape, "activation", "relu")
		s.In = append(s.In[:5], nil, nil, op.Uniform(8, -1, 1, shape...))
		return s
	}
	// What arrives is the xhat^2 of BatchNormGrad's sample where 2*x+1 > 0, and 5 where it is not.
	exact := op.Sample{Name: "by hand", Outs: 4, Attrs: graph.MakeAttrs("activation", "relu"),
		In: []*tensor.Tensor{floats32([]int{4, 1}, 1, 0, 1, 5), floats32([]int{4, 1}, 1, 0, 1, -2), floats32([]int{1}, 3),
			floats32([]int{1}, 0), floats32([]int{1}, 1), floats32([]int{1}, 2), floats32([]int{1}, 1)},
		Want: []*tensor.Tensor{floats32([]int{4, 1}, 0, -1.5, 0, 1.5), floats32([]int{1}, 2), floats32([]int{1}, 2),
			floats32([]int{4, 1}, 1, 0, 1, 0)}}
	return []op.Sample{
		exact,
		of("rectified images", 3, []int{2, 3, 2, 2}, "activation", "relu"),
		of("clipped", 3, []int{2, 3, 5}, "activation", "clip", "low", -0.5, "high", 1.0),
		of("rows", 3, []int{4, 3}, "activation", "relu"),
		of("dx alone", 1, []int{2, 2, 3}, "activation", "relu"),
		ofSum("sum", 4, 2, 3, 2, 2),
		ofSum("sum without the residual's gradient", 3, 2, 3, 2, 2),
	}
}

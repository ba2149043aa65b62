package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LayerNormGrad gives dx, dscale and dbias from dy, x, scale, and the mean and inverse standard deviation of each row;
// the elements from the attribute axis on are a row, and scale has its shape.
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "LayerNormGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 5, 5); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1, 2); err != nil {
				return err
			}
			dy, x := shapeOf(n, 0), shapeOf(n, 1)
			axis, err := x.Axis(n.Attrs.Int("axis", -1))
			if err != nil {
				return err
			}
			if !dy.Equal(x) || !shapeOf(n, 2).Equal(x[axis:]) {
				return fmt.Errorf("a gradient of shape %v and a scale of shape %v do not fit rows from axis %d of shape %v",
					dy, shapeOf(n, 2), axis, x)
			}
			for i := 3; i < 5; i++ {
				if err := allow(n, i, floats); err != nil {
					return err
				}
				if s := shapeOf(n, i); s.Elems() != x[:axis].Elems() {
					return fmt.Errorf("input %d, %q, of shape %v is not a number for each row from axis %d of shape %v",
						i, n.In[i].Name, s, axis, x)
				}
			}
			if err := set(n, 0, typeOf(n, 1), x); err != nil {
				return err
			}
			for i := 1; i < 3; i++ {
				if err := set(n, i, typeOf(n, 2), x[axis:]); err != nil {
					return err
				}
			}
			return nil
		},
		Eval: evalLayerNormGrad,
		Samples: func() []op.Sample {
			of := func(name string, outs, axis int, shape ...int) op.Sample {
				stats := append(append([]int{}, shape[:axis]...), 1)
				return op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs("axis", axis), In: []*tensor.Tensor{
					op.Normalish(1, shape...), op.Normalish(2, shape...), op.Uniform(3, 0.5, 1.5, shape[axis:]...),
					op.Normalish(4, stats...), op.Uniform(5, 0.5, 2, stats...)}}
			}
			exact := op.Sample{Name: "by hand", Outs: 3,
				In: []*tensor.Tensor{floats32([]int{1, 3}, 1, 0, 1), floats32([]int{1, 3}, -1, 0, 1), floats32([]int{3}, 3, 3, 3),
					floats32([]int{1, 1}, 0), floats32([]int{1, 1}, 1)},
				Want: []*tensor.Tensor{floats32([]int{1, 3}, 1, -2, 1), floats32([]int{3}, -1, 0, 1), floats32([]int{3}, 1, 0, 1)}}
			return []op.Sample{exact, of("sequence", 3, 2, 2, 3, 4), of("two axes", 3, 1, 2, 3, 4), of("dx alone", 1, 1, 3, 4)}
		},
	})
}

func evalLayerNormGrad(n *graph.Node, in, out []*tensor.Tensor) error {
	axis, err := in[1].Shape.Axis(n.Attrs.Int("axis", -1))
	if err != nil {
		return err
	}
	dy, x, scale, mean, invstd := in[0].Float64s(), in[1].Float64s(), in[2].Float64s(), in[3].Float64s(), in[4].Float64s()
	width := len(scale)
	dx, dscale, dbias := make([]float64, len(x)), make([]float64, width), make([]float64, width)
	for k := range in[1].Shape[:axis].Elems() {
		at := k * width
		xhat := func(i int) float64 { return (x[at+i] - mean[k]) * invstd[k] }
		h := func(i int) float64 { return dy[at+i] * scale[i] }
		meanH, meanHX := 0.0, 0.0
		for i := range width {
			dscale[i] += dy[at+i] * xhat(i)
			dbias[i] += dy[at+i]
			meanH += h(i) / float64(width)
			meanHX += h(i) * xhat(i) / float64(width)
		}
		for i := range width {
			dx[at+i] = invstd[k] * (h(i) - meanH - xhat(i)*meanHX)
		}
	}
	setOutputs(out, dx, dscale, dbias)
	return nil
}

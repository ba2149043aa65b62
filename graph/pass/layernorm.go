package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// layerNorm recognises y = (x - mean(x)) / sqrt(mean((x - mean(x))²) + eps) * scale + bias over trailing axes, as
// exporters write LayerNorm before opset 17. n is tried as the division; scale and bias are optional.
func (m *matcher) layerNorm(n *graph.Node) error {
	if n.Op.Type != "Div" || n.Op.Domain != "" {
		return nil
	}
	x, axis, eps, ok := normalised(n)
	if !ok {
		return nil
	}
	last := n
	shape := x.Type.Shape[axis:]
	var scale, bias *graph.Value
	if mul := m.only(n.Out[0], "Mul"); mul != nil {
		if s := other(mul, n.Out[0]); isAffine(s, shape) {
			scale, last = s, mul
			if add := m.only(mul.Out[0], "Add"); add != nil {
				if b := other(add, mul.Out[0]); isAffine(b, shape) {
					bias, last = b, add
				}
			}
		}
	}
	if scale == nil {
		ones := tensor.New(x.Type.DType, shape...)
		one := make([]float64, shape.Elems())
		for i := range one {
			one[i] = 1
		}
		ones.SetFloat64s(one)
		scale = m.g.NewConst("", ones)
	}
	in := []*graph.Value{x, scale}
	if bias != nil {
		in = append(in, bias)
	}
	id := graph.OpID{Type: "LayerNormalization", Since: 17}
	return m.become(last, id, graph.MakeAttrs("axis", axis, "epsilon", eps), 2, in...)
}

// normalised matches the division and returns x, the first normalised axis and epsilon.
func normalised(div *graph.Node) (x *graph.Value, axis int, eps float64, ok bool) {
	sub, sqrt := by(div.In[0], "Sub"), by(div.In[1], "Sqrt")
	if sub == nil || sqrt == nil {
		return
	}
	add := by(sqrt.In[0], "Add")
	if add == nil {
		return
	}
	variance, eps, ok := constOperand(add)
	if !ok {
		return
	}
	x = sub.In[0]
	mean, meanSquare := by(sub.In[1], "ReduceMean"), by(variance, "ReduceMean")
	if mean == nil || meanSquare == nil || mean.In[0] != x || !isSquare(meanSquare.In[0], div.In[0]) {
		return nil, 0, 0, false
	}
	axis, ok = trailingAxes(mean)
	axis2, ok2 := trailingAxes(meanSquare)
	return x, axis, eps, ok && ok2 && axis == axis2
}

func isSquare(v, of *graph.Value) bool {
	if pow := by(v, "Pow"); pow != nil {
		return pow.In[0] == of && isConst(pow.In[1], 2)
	}
	mul := by(v, "Mul")
	return mul != nil && mul.In[0] == of && mul.In[1] == of
}

// trailingAxes returns the first axis of a reduction that keeps its dimensions and runs over that and all later axes.
func trailingAxes(n *graph.Node) (int, bool) {
	rank := len(n.In[0].Type.Shape)
	axes := n.Attrs.Ints("axes")
	if t := n.ConstInput(1); t != nil {
		for _, a := range t.Int64s() {
			axes = append(axes, int(a))
		}
	}
	if len(axes) == 0 || !n.Attrs.Bool("keepdims", true) {
		return 0, false
	}
	for i, a := range axes {
		if a < 0 {
			axes[i] = a + rank
		}
	}
	slices.Sort(axes)
	for i, a := range axes {
		if a != rank-len(axes)+i {
			return 0, false
		}
	}
	return axes[0], true
}

func isAffine(v *graph.Value, shape tensor.Shape) bool {
	return v != nil && v.Producer == nil && v.Type.Shape.Equal(shape)
}

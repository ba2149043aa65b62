package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "CausalConvWithState", Since: 27,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 4); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1, 2, 3); err != nil {
				return err
			}
			g, _, err := causalConvOf(n)
			if err != nil {
				return err
			}
			if err := channelBias(n, g.OutChannels); err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 0), shapeOf(n, 0)); err != nil {
				return err
			}
			return set(n, 1, typeOf(n, 0), stateShape(&g))
		},
		Grad:    gradCausalConv,
		Eval:    evalCausalConv,
		Samples: causalConvSamples,
	})
}

// causalConvOf gives the windows on the input behind its state, and whether SiLU follows.
func causalConvOf(n *graph.Node) (Geometry, bool, error) {
	var g Geometry
	x, w := shapeOf(n, 0), shapeOf(n, 1)
	if len(x) != 3 || len(w) != 3 || w[0] != x[1] || w[1] != 1 || w[2] < 1 {
		return g, false, fmt.Errorf("input of shape %v and weights of shape %v, want [batch, channels, length] and [channels, 1, k]",
			x, w)
	}
	k := w[2]
	g = Geometry{Batch: x[0], Group: x[1], InChannels: x[1], OutChannels: x[1], In: []int{x[2] + k - 1}, Out: x[2:],
		Kernel: w[2:], Strides: []int{1}, Dilations: []int{1}, Begin: []int{0}, End: []int{0}}
	if past := n.Input(3); past != nil && !past.Type.Shape.Equal(stateShape(&g)) {
		return g, false, fmt.Errorf("past state of shape %v, want %v", past.Type.Shape, stateShape(&g))
	}
	switch name := n.Attrs.String("activation", "none"); name {
	case "none":
		return g, false, nil
	case "silu", "swish":
		return g, true, nil
	default:
		return g, false, fmt.Errorf("attribute activation is %q; none, silu and swish are known", name)
	}
}

func stateShape(g *Geometry) tensor.Shape {
	return tensor.Shape{g.Batch, g.InChannels, g.Kernel[0] - 1}
}

func evalCausalConv(n *graph.Node, in, out []*tensor.Tensor) error {
	g, silu, err := causalConvOf(n)
	if err != nil {
		return err
	}
	x, state, length, whole := in[0].Float64s(), g.Kernel[0]-1, g.Out[0], g.In[0]
	past := make([]float64, stateShape(&g).Elems())
	if t := optional(in, 3); t != nil {
		past = t.Float64s()
	}
	joined, present := make([]float64, g.inShape().Elems()), make([]float64, len(past))
	for c := range g.Batch * g.InChannels {
		row := joined[c*whole:][:whole]
		copy(row[copy(row, past[c*state:][:state]):], x[c*length:])
		copy(present[c*state:][:state], row[length:])
	}
	y := make([]float64, len(x))
	if t := optional(in, 2); t != nil {
		addChannels(y, t.Float64s(), g.Batch)
	}
	g.convolve(y, joined, in[1].Float64s())
	if silu {
		for i, v := range y {
			y[i] = v / (1 + math.Exp(-v))
		}
	}
	out[0].SetFloat64s(y)
	if optional(out, 1) != nil {
		out[1].SetFloat64s(present)
	}
	return nil
}

// gradCausalConv is the gradient of what the operator stands for: a convolution of the state and the input together.
func gradCausalConv(b *op.Backward) {
	g, silu, err := causalConvOf(b.Node)
	if fails(b, err) {
		return
	}
	past, k := b.In(3), g.Kernel[0]
	if past == nil {
		past = filled(b, b.In(0), 0, stateShape(&g)...)
	}
	x := b.OpAttrs("Concat", graph.MakeAttrs("axis", 2), past, b.In(0))
	var dx *graph.Value
	if dy := b.Grad(0); dy != nil {
		if silu {
			dy = siluGrad(b, dy, b.OpAttrs("Conv", g.convAttrs(), x, b.In(1), b.In(2)))
		}
		dx = convGradInput(b, &g, dy, b.In(1))
		b.Set(1, convGradWeight(b, &g, dy, x))
		if b.Want(2) {
			column := tensor.Shape{g.OutChannels, 1}
			b.Set(2, b.Reshape(b.SumTo(dy, column), column[:1]))
		}
	}
	if dp := b.Grad(1); dp != nil {
		rest := filled(b, dp, 0, g.Batch, g.InChannels, g.Out[0])
		padded := b.OpAttrs("Concat", graph.MakeAttrs("axis", 2), rest, dp)
		if dx == nil {
			dx = padded
		} else {
			dx = b.Op("Add", dx, padded)
		}
	}
	if b.Want(3) {
		b.Set(3, cut(b, dx, 2, 0, k-1))
	}
	b.Set(0, cut(b, dx, 2, k-1, g.In[0]))
}

// siluGrad is dy times the derivative of x s with s = sigmoid(x): s + x s (1 - s).
func siluGrad(b *op.Backward, dy, x *graph.Value) *graph.Value {
	s := b.Op("Sigmoid", x)
	xs := b.Op("Mul", x, s)
	return b.Op("Mul", dy, b.Op("Sub", b.Op("Add", s, xs), b.Op("Mul", xs, s)))
}

func causalConvSamples() []op.Sample {
	x, w, bias, past := op.Normalish(1, 2, 3, 4), op.Normalish(2, 3, 1, 3), op.Normalish(3, 3), op.Normalish(4, 2, 3, 2)
	of := func(name, activation string, in ...*tensor.Tensor) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs("activation", activation), In: in, Outs: 2}
	}
	values := of("values", "none", floats32([]int{1, 1, 3}, 1, 2, 3), floats32([]int{1, 1, 2}, 10, 1),
		floats32([]int{1}, 100), floats32([]int{1, 1, 1}, 5))
	values.Want = []*tensor.Tensor{floats32([]int{1, 1, 3}, 151, 112, 123), floats32([]int{1, 1, 1}, 3)}
	result := of("result only", "silu", x, w)
	result.Outs = 1
	return []op.Sample{
		values, result,
		of("no state", "none", x, w),
		of("silu", "silu", x, w, bias, past),
		of("swish without bias", "swish", x, w, nil, past),
		of("shorter than the kernel", "none", op.Normalish(5, 2, 3, 1), w, bias, past),
		of("kernel of one", "none", x, op.Normalish(6, 3, 1, 1), bias),
	}
}

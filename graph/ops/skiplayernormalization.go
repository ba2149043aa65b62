package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// skipNorm is a residual connection followed by a norm over the last axis: y = norm(x + skip + bias)*gamma + beta. The
// outputs are y, the rows' means and inverse standard deviations, and the sum that is normalised.
type skipNorm struct {
	typ  string
	rms  bool
	beta int // the input's number; -1: there is none
	bias int
}

func init() {
	skipNorm{typ: "SkipLayerNormalization", beta: 3, bias: 4}.register()
	skipNorm{typ: "SkipSimplifiedLayerNormalization", rms: true, beta: -1, bias: 3}.register()
}

func (s skipNorm) register() {
	op.Register(op.Def{
		Domain: microsoft, Type: s.typ, Since: 1,
		Infer: s.infer, Grad: s.backward, Eval: s.eval, Samples: s.samples,
	})
}

func (s skipNorm) infer(n *graph.Node) error {
	if err := inputs(n, 3, s.bias+1); err != nil {
		return err
	}
	if err := sameType(n, floats, 0, 1, 2, 3, 4); err != nil {
		return err
	}
	if err := rank(n, 0, 1, -1); err != nil {
		return err
	}
	axis, err := inferRowNorm(n, 1, s.bias)
	if err != nil {
		return err
	}
	for _, i := range []int{2, s.beta} {
		if i < 0 || n.Input(i) == nil {
			continue
		}
		if v := n.In[i]; !v.Type.Shape.Equal(shapeOf(n, 0)[axis:]) {
			return fmt.Errorf("input %d, %q, has shape %v, want %v", i, v.Name, v.Type.Shape, shapeOf(n, 0)[axis:])
		}
	}
	for _, i := range []int{0, 3} {
		if err := set(n, i, typeOf(n, 0), shapeOf(n, 0)); err != nil {
			return err
		}
	}
	return inferRowStatistics(n, axis, 1, 2)
}

const skipEpsilon = 1e-12

func (s skipNorm) eval(n *graph.Node, in, out []*tensor.Tensor) error {
	shape := in[0].Shape
	x := in[0].Float64s()
	for _, i := range []int{1, s.bias} {
		if t := optional(in, i); t != nil {
			v := t.Float64s()
			walk(shape, func(k int, at []int) { x[k] += v[at[0]] }, t.Shape.BroadcastStrides(shape))
		}
	}
	sum := append([]float64{}, x...)
	r := normaliseRows(x, shape, len(shape)-1, n.Attrs.Float("epsilon", skipEpsilon), s.rms)
	var beta *tensor.Tensor
	if s.beta >= 0 {
		beta = optional(in, s.beta)
	}
	r.scaleShift(shape, in[2], beta)
	setOutputs(out, r.y, r.mean, r.invstd, sum)
	return nil
}

func (s skipNorm) backward(b *op.Backward) {
	sum := ask(b, 3)
	if b.Err != nil {
		return
	}
	g := rowNormGrad{b: b, x: sum, axis: len(sum.Type.Shape) - 1, rms: s.rms, invstd: ask(b, 2), dx: b.Grad(3)}
	if !s.rms {
		g.mean = ask(b, 1)
	}
	g.affine(b.Grad(0), 2, s.beta)
	g.statistics(b.Grad(1), b.Grad(2))
	for _, i := range []int{0, 1, s.bias} {
		if b.Want(i) {
			b.Set(i, g.dx)
		}
	}
}

func (s skipNorm) samples() []op.Sample {
	of := func(name string, outs int, epsilon float64, skip []int, beta, bias bool) op.Sample {
		in := []*tensor.Tensor{op.Normalish(1, 2, 3, 4), op.Normalish(2, skip...), op.Uniform(3, 0.5, 1.5, 4)}
		if s.beta >= 0 && (beta || bias) {
			in = append(in, nil)
			if beta {
				in[3] = op.Normalish(4, 4)
			}
		}
		if bias {
			in = append(in, op.Normalish(5, 4))
		}
		return op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs("epsilon", epsilon), In: in}
	}
	known := op.Sample{Name: "by hand", Attrs: graph.MakeAttrs("epsilon", 3.0), Outs: 4,
		In: []*tensor.Tensor{floats32([]int{1, 1, 2}, 1, 1), floats32([]int{1, 1, 2}, 0, 2), floats32([]int{2}, 4, 2)},
		Want: []*tensor.Tensor{floats32([]int{1, 1, 2}, -2, 1), floats32([]int{1, 1, 1}, 2), floats32([]int{1, 1, 1}, 0.5),
			floats32([]int{1, 1, 2}, 1, 3)}}
	if s.rms {
		known.Attrs = graph.MakeAttrs("epsilon", 11.0)
		known.Want[0], known.Want[1], known.Want[2] = floats32([]int{1, 1, 2}, 1, 1.5), nil, floats32([]int{1, 1, 1}, 0.25)
	}
	return []op.Sample{
		known,
		of("plain", 1, 1e-3, []int{2, 3, 4}, false, false),
		of("beta", 1, 1e-3, []int{2, 3, 4}, true, false),
		of("beta and bias", 4, 1e-3, []int{2, 3, 4}, true, true),
		of("bias alone", 1, 1e-3, []int{2, 3, 4}, false, true),
		of("skip broadcasts", 4, 1e-3, []int{3, 4}, true, false),
	}
}

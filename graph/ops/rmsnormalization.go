package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// RMSNormalization is y = x/sqrt(mean(x²)+epsilon)*scale, of the scale's type. ONNX Runtime writes it as
// SimplifiedLayerNormalization, in the default domain or its own, which can also give the inverse root.
func init() {
	rmsNormOp("", "RMSNormalization", 1, 23)
	rmsNormOp("", "SimplifiedLayerNormalization", 2, 1)
	rmsNormOp(microsoft, "SimplifiedLayerNormalization", 2, 1)
}

func rmsNormOp(domain, typ string, outs, since int) {
	op.Register(op.Def{
		Domain: domain, Type: typ, Since: since,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			for i := range 2 {
				if err := allow(n, i, floats); err != nil {
					return err
				}
			}
			axis, err := inferRowNorm(n, 1)
			if err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 1), shapeOf(n, 0)); err != nil {
				return err
			}
			return inferRowStatistics(n, axis, 1)
		},
		Grad: func(b *op.Backward) {
			axis, err := axisOf(b.Node, -1)
			if fails(b, err) {
				return
			}
			g := rowNormGrad{b: b, x: b.In(0), axis: axis, rms: true, invstd: b.Out(1)}
			if g.invstd == nil {
				g.invstd = g.inverseRoot(b.Node.Attrs.Float("epsilon", 1e-5))
			}
			g.affine(b.Grad(0), 1, -1)
			g.statistics(nil, b.Grad(1))
			b.Set(0, g.dx)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, -1)
			if err != nil {
				return err
			}
			r := normaliseRows(in[0].Float64s(), in[0].Shape, axis, n.Attrs.Float("epsilon", 1e-5), true)
			r.scaleShift(in[0].Shape, in[1], nil)
			setOutputs(out, r.y, r.invstd)
			return nil
		},
		Samples: func() []op.Sample { return rmsNormSamples(outs) },
	})
}

// inverseRoot is 1/sqrt(mean(x²)+eps) of each row.
func (g *rowNormGrad) inverseRoot(eps float64) *graph.Value {
	b := g.b
	if b.Err != nil {
		return nil
	}
	return b.Op("Reciprocal", b.Op("Sqrt", b.Op("Add", g.meanOf(b.Op("Mul", g.x, g.x)), b.Scalar(g.x, eps))))
}

func rmsNormSamples(outs int) []op.Sample {
	of := func(name string, outs, axis int, x, scale []int) op.Sample {
		return op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs("axis", axis, "epsilon", 1e-3),
			In: []*tensor.Tensor{op.Normalish(1, x...), op.Uniform(2, 0.5, 1.5, scale...)}}
	}
	known := op.Sample{Name: "by hand", Attrs: graph.MakeAttrs("epsilon", 11.0),
		In:   []*tensor.Tensor{floats32([]int{1, 2}, 1, 3), floats32([]int{2}, 4, 8)},
		Want: one(floats32([]int{1, 2}, 1, 6))}
	return []op.Sample{
		known,
		of("sequence", outs, -1, []int{2, 3, 4}, []int{4}),
		of("two axes", outs, 1, []int{2, 3, 4}, []int{3, 4}),
		of("everything", 1, 0, []int{2, 3}, []int{2, 3}),
		of("scale broadcasts", 1, 1, []int{2, 3, 4}, []int{4}),
	}
}

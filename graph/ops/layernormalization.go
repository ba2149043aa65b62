package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ONNX Runtime has LayerNormalization in the default domain before ONNX did, and writes it into models that it has
// optimised: version 1.
func init() {
	layerNormOp("", "LayerNormalization", 1, 17)
	layerNormOp(microsoft, "LayerNormalization", 1)
}

// microsoft is the domain of ONNX Runtime's own operators.
const microsoft = "com.microsoft"

func layerNormOp(domain, typ string, since ...int) {
	register(op.Def{
		Domain: domain, Type: typ,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1, 2); err != nil {
				return err
			}
			axis, err := inferRowNorm(n, 1, 2)
			if err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 0), shapeOf(n, 0)); err != nil {
				return err
			}
			return inferRowStatistics(n, axis, 1, 2)
		},
		Grad: func(b *op.Backward) {
			axis, err := axisOf(b.Node, -1)
			if fails(b, err) {
				return
			}
			g := rowNormGrad{b: b, x: b.In(0), axis: axis, mean: ask(b, 1), invstd: ask(b, 2)}
			g.affine(b.Grad(0), 1, 2)
			g.statistics(b.Grad(1), b.Grad(2))
			b.Set(0, g.dx)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			axis, err := axisOf(n, -1)
			if err != nil {
				return err
			}
			r := normaliseRows(in[0].Float64s(), in[0].Shape, axis, n.Attrs.Float("epsilon", 1e-5), false)
			r.scaleShift(in[0].Shape, in[1], optional(in, 2))
			setOutputs(out, r.y, r.mean, r.invstd)
			return nil
		},
		Samples: layerNormSamples,
	}, since...)
}

func optional(in []*tensor.Tensor, i int) *tensor.Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// inferRowNorm checks that the inputs scale and bias broadcast to input 0, and returns the first axis of a row.
func inferRowNorm(n *graph.Node, affine ...int) (int, error) {
	axis, err := axisOf(n, -1)
	if err != nil {
		return 0, err
	}
	x := shapeOf(n, 0)
	for _, i := range affine {
		v := n.Input(i)
		if v == nil {
			continue
		}
		if whole, err := tensor.Broadcast(x, v.Type.Shape); err != nil || !whole.Equal(x) {
			return 0, fmt.Errorf("input %d, %q, of shape %v does not broadcast to shape %v", i, v.Name, v.Type.Shape, x)
		}
	}
	return axis, nil
}

// inferRowStatistics infers outputs that hold a number for each row. They have the type that stash_type says, but
// never a narrower one than float64 when the input has that.
func inferRowStatistics(n *graph.Node, axis int, outs ...int) error {
	dt, err := typeAttr(n, "stash_type", tensor.Float32)
	if err != nil {
		return err
	}
	if !floats.has(dt) {
		return fmt.Errorf("attribute stash_type is %v, which is not floating point", dt)
	}
	if typeOf(n, 0) == tensor.Float64 {
		dt = tensor.Float64
	}
	shape := shapeOf(n, 0).Clone()
	for i := axis; i < len(shape); i++ {
		shape[i] = 1
	}
	for _, i := range outs {
		if err := set(n, i, dt, shape); err != nil {
			return err
		}
	}
	return nil
}

func layerNormSamples() []op.Sample {
	of := func(name string, outs, axis int, x, scale, bias []int) op.Sample {
		s := op.Sample{Name: name, Outs: outs, Attrs: graph.MakeAttrs("axis", axis, "epsilon", 1e-3),
			In: []*tensor.Tensor{op.Normalish(1, x...), op.Uniform(2, 0.5, 1.5, scale...)}}
		if bias != nil {
			s.In = append(s.In, op.Normalish(3, bias...))
		}
		return s
	}
	exact := op.Sample{Name: "by hand", Outs: 3, Attrs: graph.MakeAttrs("epsilon", 3.0),
		In:   []*tensor.Tensor{floats32([]int{2, 2}, 1, 3, 0, 0), floats32([]int{2}, 4, 2), floats32([]int{2}, 1, -1)},
		Want: []*tensor.Tensor{floats32([]int{2, 2}, -1, 0, 1, -1), floats32([]int{2, 1}, 2, 0), floats32([]int{2, 1}, 0.5, 0.57735027)}}
	defaults := op.Sample{Name: "default axis", In: []*tensor.Tensor{op.Normalish(4, 3, 4), op.Uniform(5, 0.5, 1.5, 4)}}
	return []op.Sample{
		exact, defaults,
		of("sequence", 1, -1, []int{2, 3, 4}, []int{4}, []int{4}),
		of("no bias", 1, -1, []int{2, 3, 4}, []int{4}, nil),
		of("statistics", 3, -1, []int{2, 3, 4}, []int{4}, []int{4}),
		of("two axes", 3, 1, []int{2, 3, 4}, []int{3, 4}, []int{3, 4}),
		of("everything", 1, 0, []int{3, 4}, []int{3, 4}, nil),
		of("scale broadcasts", 3, 1, []int{2, 3, 4}, []int{4}, []int{3, 1}),
		of("scale of one", 1, -1, []int{2, 4}, []int{1}, []int{}),
	}
}

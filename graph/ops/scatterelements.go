package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	define := func(typ string, since int) {
		op.Register(op.Def{
			Type: typ, Since: since,
			Infer:   inferScatterElements,
			Grad:    gradScatterElements,
			NoGrad:  []int{1},
			Eval:    evalScatterElements,
			Samples: func() []op.Sample { return scatterElementsSamples(since) },
		})
	}
	// The first name, in opset 9 and 10.
	define("Scatter", 9)
	for _, since := range []int{11, 13, 16, 18} {
		define("ScatterElements", since)
	}
}

func inferScatterElements(n *graph.Node) error {
	if err := inputs(n, 3, 3); err != nil {
		return err
	}
	if err := sameType(n, anyType, 0, 2); err != nil {
		return err
	}
	if err := allow(n, 1, indices); err != nil {
		return err
	}
	if _, err := reductionOf(n); err != nil {
		return err
	}
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	if err := fitsAlong(n, axis); err != nil {
		return err
	}
	if !shapeOf(n, 2).Equal(shapeOf(n, 1)) {
		return fmt.Errorf("updates of shape %v do not fit indices of shape %v", shapeOf(n, 2), shapeOf(n, 1))
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func evalScatterElements(n *graph.Node, in, out []*tensor.Tensor) error {
	axis, err := axisOf(n, 0)
	if err != nil {
		return err
	}
	reduction, err := reductionOf(n)
	if err != nil {
		return err
	}
	at, err := alongAxis(in[1], in[0].Shape, axis)
	if err != nil {
		return err
	}
	copy(out[0].Data, in[0].Data)
	scatter(out[0], in[2], at, 1, reduction)
	return nil
}

// gradScatterElements lets the gradient through to data where nothing was written over it. ONNX leaves open which of
// several updates of one element stays without reduction, so all of them get its gradient.
func gradScatterElements(b *op.Backward) {
	reduction, err := reductionOf(b.Node)
	if err == nil && reduction != "none" && reduction != "add" {
		err = noGradient(reduction)
	}
	if fails(b, err) {
		return
	}
	attrs := graph.MakeAttrs("axis", b.Node.Attrs.Int("axis", 0))
	switch {
	case !b.Want(0):
	case reduction == "add":
		b.Set(0, b.Grad(0))
	default:
		b.Set(0, b.OpAttrs("ScatterElements", attrs, b.Grad(0), b.In(1), zeros(b, b.In(2))))
	}
	if b.Want(2) {
		b.Set(2, b.OpAttrs("GatherElements", attrs, b.Grad(0), b.In(1)))
	}
}

func scatterElementsSamples(since int) []op.Sample {
	at := func(name string, attrs graph.Attrs, x, index, updates, want *tensor.Tensor) op.Sample {
		s := op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, index, updates}}
		if want != nil {
			s.Want = one(want)
		}
		return s
	}
	five := floats32([]int{1, 5}, 1, 2, 3, 4, 5)
	pair := floats32([]int{1, 2}, 1.1, 2.1)
	on1 := graph.MakeAttrs("axis", 1)
	all := []op.Sample{
		at("columns", on1, five, tensor.Of[int64](tensor.Shape{1, 2}, 1, 3), pair, floats32([]int{1, 5}, 1, 1.1, 3, 2.1, 5)),
		at("negative", on1, five, tensor.Of[int32](tensor.Shape{1, 2}, 1, -3), pair, floats32([]int{1, 5}, 1, 1.1, 2.1, 4, 5)),
		at("rows", nil, tensor.New(tensor.Float32, 3, 3), tensor.Of[int64](tensor.Shape{2, 3}, 1, 0, 2, 0, 2, 1),
			floats32([]int{2, 3}, 1, 1.1, 1.2, 2, 2.1, 2.2), floats32([]int{3, 3}, 2, 1.1, 0, 1, 0, 2.2, 0, 2.1, 1.2)),
		at("part of the others", on1, op.Normalish(1, 3, 4), tensor.Of[int64](tensor.Shape{2, 2}, 0, 3, 2, 1), op.Normalish(2, 2, 2), nil),
	}
	twice := tensor.Of[int64](tensor.Shape{1, 2}, 1, 1)
	if since >= 16 {
		all = append(all,
			at("add", on1.With("reduction", "add"), five, twice, pair, floats32([]int{1, 5}, 1, 5.2, 3, 4, 5)),
			at("mul", on1.With("reduction", "mul"), five, twice, pair, floats32([]int{1, 5}, 1, 4.62, 3, 4, 5)))
		all[len(all)-1].NoGrad = true
	}
	if since >= 18 {
		all = append(all,
			at("max", on1.With("reduction", "max"), five, twice, pair, floats32([]int{1, 5}, 1, 2.1, 3, 4, 5)),
			at("min", on1.With("reduction", "min"), five, twice, pair, floats32([]int{1, 5}, 1, 1.1, 3, 4, 5)),
			at("min of uint64", graph.MakeAttrs("reduction", "min"), tensor.Vector[uint64](1<<63), tensor.Vector[int64](0),
				tensor.Vector[uint64](1), tensor.Vector[uint64](1)))
		for i := range 3 {
			all[len(all)-1-i].NoGrad = true
		}
	}
	return all
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{11, 13, 16, 18} {
		op.Register(op.Def{
			Type: "ScatterND", Since: since,
			Infer:   inferScatterND,
			Grad:    gradScatterND,
			NoGrad:  []int{1},
			Eval:    evalScatterND,
			Samples: func() []op.Sample { return scatterNDSamples(since) },
		})
	}
}

func inferScatterND(n *graph.Node) error {
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
	want, err := addressed(shapeOf(n, 0), shapeOf(n, 1), 0)
	if err == nil && !want.Equal(shapeOf(n, 2)) {
		err = fmt.Errorf("updates of shape %v, want %v", shapeOf(n, 2), want)
	}
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func evalScatterND(n *graph.Node, in, out []*tensor.Tensor) error {
	reduction, err := reductionOf(n)
	if err != nil {
		return err
	}
	first, size, err := blocks(in[1], in[0].Shape, 0)
	if err != nil {
		return err
	}
	copy(out[0].Data, in[0].Data)
	scatter(out[0], in[2], first, size, reduction)
	return nil
}

// gradScatterND follows gradScatterElements.
func gradScatterND(b *op.Backward) {
	reduction, err := reductionOf(b.Node)
	if err == nil && reduction != "none" && reduction != "add" {
		err = noGradient(reduction)
	}
	if fails(b, err) {
		return
	}
	switch {
	case !b.Want(0):
	case reduction == "add":
		b.Set(0, b.Grad(0))
	default:
		b.Set(0, b.Op("ScatterND", b.Grad(0), b.In(1), zeros(b, b.In(2))))
	}
	if b.Want(2) {
		b.Set(2, b.Op("GatherND", b.Grad(0), b.In(1)))
	}
}

func scatterNDSamples(since int) []op.Sample {
	at := func(name string, attrs graph.Attrs, x, index, updates, want *tensor.Tensor) op.Sample {
		s := op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{x, index, updates}}
		if want != nil {
			s.Want = one(want)
		}
		return s
	}
	eight := floats32([]int{8}, 1, 2, 3, 4, 5, 6, 7, 8)
	column := tensor.Of[int64](tensor.Shape{4, 1}, 4, 3, 1, -1)
	nines := floats32([]int{4}, 9, 10, 11, 12)
	all := []op.Sample{
		at("elements", nil, eight, column, nines, floats32([]int{8}, 1, 11, 3, 10, 9, 6, 7, 12)),
		at("rows", nil, op.Normalish(1, 3, 4), tensor.Of[int64](tensor.Shape{2, 1}, 2, 0), op.Normalish(2, 2, 4), nil),
		at("matrix of tuples", nil, op.Normalish(3, 2, 3, 2), tensor.Of[int64](tensor.Shape{2, 1, 2}, 0, 2, 1, 1), op.Normalish(4, 2, 1, 2), nil),
		at("mask", nil, tensor.Vector(false, false), tensor.Of[int64](tensor.Shape{1, 1}, 1), tensor.Vector(true), tensor.Vector(false, true)),
	}
	twice := tensor.Of[int64](tensor.Shape{2, 1}, 1, 1)
	three, pair := floats32([]int{3}, 1, 2, 3), floats32([]int{2}, 4, 0.5)
	reduce := func(how string, y float32) op.Sample {
		s := at(how, graph.MakeAttrs("reduction", how), three, twice, pair, floats32([]int{3}, 1, y, 3))
		s.NoGrad = how != "add"
		return s
	}
	if since >= 16 {
		all = append(all, reduce("add", 6.5), reduce("mul", 4))
	}
	if since >= 18 {
		all = append(all, reduce("max", 4), reduce("min", 0.5))
	}
	return all
}

package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reduction is an operator that reduces a tensor along axes. No axes at all mean every axis, unless the attribute
// noop_with_empty_axes says none: then every element is reduced alone.
type reduction struct {
	typ   string
	axes  int // the version that takes axes as an input; before, they are an attribute
	since []int

	float func(x []float64) float64
	int   func(x []int64) int64 // nil: as float, rounded towards zero
	// ordered marks a reduction by order, which takes bool from version 20 and must not see uint64 as negative.
	ordered bool

	grad func(g *reductionGrad) *graph.Value
	// want is the result for (1, 2, 3) and (4, 5, 6).
	want [2]float32
	more func(since int) []op.Sample // whose axes are the last one
}

// reductionGrad is the turn of a reduction in differentiation. Its rule returns dx or what broadcasts to it.
type reductionGrad struct {
	*op.Backward
	x, dy *graph.Value // dy with the reduced axes kept
	kept  tensor.Shape
}

// y is the result with the reduced axes kept.
func (g *reductionGrad) y() *graph.Value { return g.Reshape(g.Out(0), g.kept) }

// sum adds v up along the reduced axes and keeps them.
func (g *reductionGrad) sum(v *graph.Value) *graph.Value { return g.SumTo(v, g.kept) }

func (r reduction) register() {
	for _, since := range r.since {
		op.Register(op.Def{
			Type: r.typ, Since: since,
			Infer:   r.infer,
			NoGrad:  []int{1},
			Grad:    r.backward,
			Eval:    r.eval,
			Samples: func() []op.Sample { return r.samples(since) },
		})
	}
}

func (r reduction) infer(n *graph.Node) error {
	most, s := 1, numeric
	if n.Op.Since >= r.axes {
		most = 2
	}
	if r.ordered && n.Op.Since >= 20 {
		s |= boolean
	}
	if n.Op.Since >= 28 {
		s = floats
	}
	if err := inputs(n, 1, most); err != nil {
		return err
	}
	if err := allow(n, 0, s); err != nil {
		return err
	}
	list, err := r.reduced(n)
	if err != nil {
		return err
	}
	shape := keptShape(shapeOf(n, 0), list)
	if !n.Attrs.Bool("keepdims", true) {
		shape = without(shape, list)
	}
	return set(n, 0, typeOf(n, 0), shape)
}

// reduced lists the axes that are reduced.
func (r reduction) reduced(n *graph.Node) ([]int, error) {
	given, err := listed(n, r.axes, "axes", 1)
	if err != nil {
		return nil, err
	}
	rank := len(shapeOf(n, 0))
	if len(given) > 0 {
		return axes(given, rank)
	}
	if n.Op.Since >= r.axes && n.Attrs.Bool("noop_with_empty_axes", false) {
		return nil, nil
	}
	all := make([]int, rank)
	for i := range all {
		all[i] = i
	}
	return all, nil
}

// keptShape is shape with 1 for the listed axes.
func keptShape(shape tensor.Shape, list []int) tensor.Shape {
	kept := shape.Clone()
	for _, a := range list {
		kept[a] = 1
	}
	return kept
}

// without is shape less the listed axes, which ascend.
func without(shape tensor.Shape, list []int) tensor.Shape {
	var left tensor.Shape
	for i, d := range shape {
		if len(list) > 0 && list[0] == i {
			list = list[1:]
			continue
		}
		left = append(left, d)
	}
	return left
}

func (r reduction) backward(b *op.Backward) {
	list, err := r.reduced(b.Node)
	if fails(b, err) {
		return
	}
	x := b.In(0)
	kept := keptShape(x.Type.Shape, list)
	g := &reductionGrad{b, x, b.Reshape(b.Grad(0), kept), kept}
	b.Set(0, expand(b, r.grad(g), x.Type.Shape))
}

func (r reduction) eval(n *graph.Node, in, out []*tensor.Tensor) error {
	list, err := r.reduced(n)
	if err != nil {
		return err
	}
	x, kept := in[0], keptShape(in[0].Shape, list)
	if x.DType.IsFloat() || r.int == nil {
		out[0].SetFloat64s(reduceGroups(x.Float64s(), x.Shape, kept, r.float))
		return nil
	}
	v := x.Int64s()
	flip(v, r.ordered && x.DType == tensor.Uint64)
	y := reduceGroups(v, x.Shape, kept, r.int)
	if r.ordered {
		// What nothing reduces to is the limit of the type.
		least, most := limits(x.DType)
		for i := range y {
			y[i] = min(max(y[i], least), most)
		}
	}
	flip(y, r.ordered && x.DType == tensor.Uint64)
	out[0].SetInt64s(y)
	return nil
}

// limits are the least and the greatest number of an integer type, as far as int64 has them, or of bool.
func limits(dt tensor.DType) (least, most int64) {
	bits := 8 * dt.Size()
	switch {
	case dt == tensor.Bool:
		return 0, 1
	case bits == 64:
		return math.MinInt64, math.MaxInt64
	case dt.IsSigned():
		return -1 << (bits - 1), 1<<(bits-1) - 1
	default:
		return 0, 1<<bits - 1
	}
}

// flip maps uint64, as int64, to integers of the same order, and back.
func flip(v []int64, unsigned bool) {
	if unsigned {
		for i := range v {
			v[i] ^= math.MinInt64
		}
	}
}

// reduceGroups applies f to the elements of v that share an element of kept, which has 1 for the reduced axes.
func reduceGroups[T any](v []T, shape, kept tensor.Shape, f func(x []T) T) []T {
	y := make([]T, kept.Elems())
	if len(y) == 0 {
		return y
	}
	size := len(v) / len(y)
	grouped, filled := make([]T, len(v)), make([]int, len(y))
	walk(shape, func(i int, at []int) {
		k := at[0]
		grouped[k*size+filled[k]] = v[i]
		filled[k]++
	}, kept.BroadcastStrides(shape))
	for k := range y {
		y[k] = f(grouped[k*size : (k+1)*size])
	}
	return y
}

// keptBy checks that kept is shape but for axes of 1.
func keptBy(shape, kept tensor.Shape) error {
	whole, err := tensor.Broadcast(shape, kept)
	if err != nil || len(kept) != len(shape) || !whole.Equal(shape) {
		return fmt.Errorf("shape %v is not %v with axes of 1", kept, shape)
	}
	return nil
}

// total is the sum of numbers.
func total[T int64 | float64](x []T) T {
	var sum T
	for _, v := range x {
		sum += v
	}
	return sum
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{2, 11, 13, 18, 19, 21} {
		op.Register(op.Def{
			Type: "Pad", Since: since,
			Infer: inferPad,
			Grad:  gradPad,
			// The inputs 1 and 3 are the pads and their axes; 2 is the number that is put around.
			NoGrad:  []int{1, 3},
			Eval:    evalPad,
			Samples: func() []op.Sample { return padSamples(since) },
		})
	}
}

func inferPad(n *graph.Node) error {
	if err := inputs(n, 1, 4); err != nil {
		return err
	}
	if err := sameType(n, anyType, 0, 2); err != nil {
		return err
	}
	if v := n.Input(2); v != nil && v.Type.Shape.Elems() != 1 {
		return fmt.Errorf("input 2, %q, of shape %v is not one number", v.Name, v.Type.Shape)
	}
	p, err := paddingOf(n)
	if err != nil {
		return err
	}
	shape, err := p.shape(shapeOf(n, 0))
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), shape)
}

// padding is what Pad adds before and after each axis; negative numbers crop.
type padding struct {
	mode          string
	before, after []int
}

func paddingOf(n *graph.Node) (padding, error) {
	r := len(shapeOf(n, 0))
	p := padding{n.Attrs.String("mode", "constant"), make([]int, r), make([]int, r)}
	if p.mode == "wrap" && n.Op.Since < 18 { // the specification has it from 19 on, PyTorch writes it into opset 18
		return p, fmt.Errorf("mode wrap needs opset 19")
	}
	pads, err := listed(n, 11, "pads", 1)
	if err != nil {
		return p, err
	}
	on, err := listed(n, 18, "axes", 3)
	if err != nil {
		return p, err
	}
	if on == nil {
		for d := range r {
			on = append(on, d)
		}
	}
	if len(pads) != 2*len(on) {
		return p, fmt.Errorf("%d pads, want two for each of %d axes of shape %v", len(pads), len(on), shapeOf(n, 0))
	}
	if _, err := axes(on, r); err != nil {
		return p, err
	}
	for i, axis := range on {
		p.before[(axis+r)%r], p.after[(axis+r)%r] = pads[i], pads[len(on)+i]
	}
	return p, nil
}

// attrs are the attributes of a PadGrad for an input of a shape.
func (p padding) attrs(shape tensor.Shape) graph.Attrs {
	return graph.MakeAttrs("mode", p.mode, "before", p.before, "after", p.after, "shape", []int(shape))
}

// shape is the shape that a tensor is padded to.
func (p padding) shape(from tensor.Shape) (tensor.Shape, error) {
	switch p.mode {
	case "constant", "edge", "reflect", "wrap":
	default:
		return nil, fmt.Errorf("mode %q is not one of constant, edge, reflect, wrap", p.mode)
	}
	shape := make(tensor.Shape, len(from))
	for d, dim := range from {
		const most = 1 << 40
		if max(p.before[d], p.after[d]) > most || min(p.before[d], p.after[d]) < -most {
			return nil, fmt.Errorf("pads %d and %d of axis %d are out of range", p.before[d], p.after[d], d)
		}
		shape[d] = p.before[d] + dim + p.after[d]
		if shape[d] < 0 {
			return nil, fmt.Errorf("pads %d and %d crop more than the %d of axis %d", p.before[d], p.after[d], dim, d)
		}
		if kept := dim + min(p.before[d], 0) + min(p.after[d], 0); kept <= 0 && shape[d] > 0 && p.mode != "constant" {
			return nil, fmt.Errorf("axis %d of shape %v has nothing to pad from in mode %s", d, from, p.mode)
		}
	}
	return shape, nil
}

// sources says which element of a tensor each padded one is, -1 for the constant.
func (p padding) sources(padded, from tensor.Shape) []int {
	return sources(padded, from, func(d, o int) int {
		first, end := max(0, -p.before[d]), from[d]-max(0, -p.after[d])
		return padSource(p.mode, o-p.before[d], first, end)
	})
}

// padSource is the index within [first, end) that stands at index i of an axis.
func padSource(mode string, i, first, end int) int {
	size := end - first
	switch {
	case first <= i && i < end:
		return i
	case mode == "edge":
		return min(max(i, first), end-1)
	case mode == "wrap":
		return first + ((i-first)%size+size)%size
	case mode == "reflect" && size == 1:
		return first
	case mode == "reflect":
		// The axis and its mirror image without the edges follow each other for ever.
		period := 2 * (size - 1)
		at := ((i-first)%period + period) % period
		return first + min(at, period-at)
	default:
		return -1
	}
}

func evalPad(n *graph.Node, in, out []*tensor.Tensor) error {
	p, err := paddingOf(n)
	if err != nil {
		return err
	}
	value := tensor.New(in[0].DType)
	if n.Op.Since < 11 {
		value.SetFloat64s([]float64{n.Attrs.Float("value", 0)})
	} else if len(in) > 2 && in[2] != nil {
		value = in[2]
	}
	for i, from := range p.sources(out[0].Shape, in[0].Shape) {
		if from < 0 {
			copyElem(out[0], i, value, 0)
		} else {
			copyElem(out[0], i, in[0], from)
		}
	}
	return nil
}

func gradPad(b *op.Backward) {
	p, err := paddingOf(b.Node)
	if fails(b, err) {
		return
	}
	from := b.In(0).Type.Shape
	if p.mode != "constant" {
		if b.Want(0) {
			b.Set(0, b.Internal("PadGrad", p.attrs(from), b.Grad(0)))
		}
		return
	}
	var back []int
	for _, list := range [][]int{p.before, p.after} {
		for _, pad := range list {
			back = append(back, -pad)
		}
	}
	dx := b.Op("Pad", b.Grad(0), b.Ints(back...))
	if b.Want(0) {
		b.Set(0, dx)
	}
	if b.Want(2) {
		border := b.Op("Sub", b.SumTo(b.Grad(0), tensor.Shape{}), b.SumTo(dx, tensor.Shape{}))
		b.Set(2, b.Reshape(border, b.In(2).Type.Shape))
	}
}

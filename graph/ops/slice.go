package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 10, 11, 13} {
		op.Register(op.Def{
			Type: "Slice", Since: since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 1, 5); err != nil {
					return err
				}
				w, err := windowOf(n)
				if err != nil {
					return err
				}
				return set(n, 0, typeOf(n, 0), w.shape)
			},
			Grad:   gradSlice,
			NoGrad: []int{1, 2, 3, 4},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				w, err := windowOf(n)
				if err != nil {
					return err
				}
				first, strides := w.in(in[0].Shape)
				pick(out[0], in[0], first, strides)
				return nil
			},
			Samples: func() []op.Sample { return sliceSamples(since) },
		})
	}
}

// window is the regular part of a tensor that Slice takes, axis by axis.
type window struct {
	first, step []int
	shape       tensor.Shape
}

// in is the element offset of the window's first element in a tensor of a shape, and the strides that walk the window.
func (w window) in(shape tensor.Shape) (first int, strides []int) {
	strides = shape.Strides()
	for d := range strides {
		first += w.first[d] * strides[d]
		strides[d] *= w.step[d]
	}
	return first, strides
}

func windowOf(n *graph.Node) (window, error) {
	shape := shapeOf(n, 0)
	w := window{make([]int, len(shape)), make([]int, len(shape)), shape.Clone()}
	for d := range w.step {
		w.step[d] = 1
	}
	var given [4][]int
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if given[i], err = listed(n, 10, name, i+1); err != nil {
			return window{}, err
		}
	}
	starts, ends, on, steps := given[0], given[1], given[2], given[3]
	if on == nil {
		for d := range starts {
			on = append(on, d)
		}
	}
	if len(starts) != len(ends) || len(starts) != len(on) || steps != nil && len(steps) != len(starts) {
		return window{}, fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not go together", starts, ends, on, steps)
	}
	if _, err := axes(on, len(shape)); err != nil {
		return window{}, err
	}
	for i, axis := range on {
		d, step := (axis+len(shape))%len(shape), 1
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return window{}, fmt.Errorf("step of axis %d is 0", axis)
		}
		w.first[d], w.step[d], w.shape[d] = span(shape[d], starts[i], ends[i], step)
	}
	return w, nil
}

// span resolves numpy's start:end:step on a dimension. Bounds are clamped, whose extremes stand for "to the end".
func span(dim, start, end, step int) (first, by, count int) {
	// A longer step takes one element as well, and its multiples do not overflow.
	step = max(min(step, dim+1), -dim-1)
	if start < 0 {
		start += dim
	}
	if end < 0 {
		end += dim
	}
	if step > 0 {
		start, end = min(max(start, 0), dim), min(max(end, 0), dim)
		return start, step, max(0, (end-start+step-1)/step)
	}
	start, end = min(max(start, 0), dim-1), min(max(end, -1), dim-1)
	return max(start, 0), step, max(0, (start-end-step-1)/-step)
}

func gradSlice(b *op.Backward) {
	w, err := windowOf(b.Node)
	if fails(b, err) {
		return
	}
	from := b.In(0).Type.Shape
	pads, dense := make([]int, 2*len(from)), true
	for d, dim := range from {
		pads[d], pads[len(from)+d] = w.first[d], dim-w.first[d]-w.shape[d]
		dense = dense && (w.step[d] == 1 || w.shape[d] <= 1)
	}
	if dense {
		b.Set(0, b.Op("Pad", b.Grad(0), b.Ints(pads...)))
		return
	}
	b.Set(0, b.Internal("SliceGrad", graph.MakeAttrs("shape", []int(from), "starts", w.first, "steps", w.step), b.Grad(0)))
}

func sliceSamples(since int) []op.Sample {
	const far = 1<<63 - 1
	type bounds struct {
		name                      string
		starts, ends, axes, steps []int
		in                        *tensor.Tensor
		want                      *tensor.Tensor
	}
	var all []op.Sample
	for _, c := range []bounds{
		{name: "default axes", starts: []int{1, 0}, ends: []int{2, 3}, in: count(2, 4), want: floats32([]int{1, 3}, 4, 5, 6)},
		{name: "to the end", starts: []int{1}, ends: []int{far}, axes: []int{-1}, in: count(2, 3), want: floats32([]int{2, 2}, 1, 2, 4, 5)},
		{name: "from the end", starts: []int{-2}, ends: []int{-1}, axes: []int{1}, in: count(2, 3), want: floats32([]int{2, 1}, 1, 4)},
		{name: "nothing", starts: []int{5}, ends: []int{9}, axes: []int{0}, in: count(3), want: floats32([]int{0})},
		{name: "middle axis", starts: []int{1}, ends: []int{3}, axes: []int{1}, in: op.Normalish(1, 2, 4, 3)},
		{name: "every second", starts: []int{0, 1}, ends: []int{far, 5}, axes: []int{0, 1}, steps: []int{2, 3}, in: count(3, 5),
			want: floats32([]int{2, 2}, 1, 4, 11, 14)},
		{name: "reversed", starts: []int{-1}, ends: []int{-far}, axes: []int{0}, steps: []int{-1}, in: count(3, 2),
			want: floats32([]int{3, 2}, 4, 5, 2, 3, 0, 1)},
		{name: "backwards", starts: []int{20}, ends: []int{0}, axes: []int{0}, steps: []int{-2}, in: count(6), want: floats32([]int{3}, 5, 3, 1)},
		{name: "huge steps", starts: []int{1, 2}, ends: []int{far, -far - 1}, axes: []int{0, 1}, steps: []int{far, -far - 1}, in: count(3, 3),
			want: floats32([]int{1, 1}, 5)},
		{name: "empty, backwards", starts: []int{-1}, ends: []int{-far}, axes: []int{0}, steps: []int{-1}, in: count(0, 2), want: count(0, 2)},
	} {
		s := op.Sample{Name: c.name, In: one(c.in)}
		if c.want != nil {
			s.Want = one(c.want)
		}
		if c.steps != nil && since < 10 {
			continue
		}
		s = list(list(s, since, 10, "starts", c.starts...), since, 10, "ends", c.ends...)
		if c.axes != nil {
			s = list(s, since, 10, "axes", c.axes...)
		}
		if c.steps != nil {
			s = list(s, since, 10, "steps", c.steps...)
		}
		all = append(all, s)
	}
	return all
}

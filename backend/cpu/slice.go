package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "slice", Op: onnx("Slice"), Half: moves,
		When: func(n *graph.Node) bool {
			_, ok := sliceSource(n, nil)
			return ok && smallRank(n)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			from, _ := sliceSource(n, in[0])
			move := bindMove(s.Pool, out[0].Shape, whole(out[0]), from)
			return func() error { move(); return nil }, nil
		},
	})
}

// sliceSource is the box of t that a Slice reads; false when the bounds are not constant.
func sliceSource(n *graph.Node, t *tensor.Tensor) (box, bool) {
	starts, axes, steps := n.Attrs.Ints("starts"), n.Attrs.Ints("axes"), []int(nil)
	if n.Op.Since >= 10 {
		ok := true
		starts, axes, steps = constInts(n, 1, &ok), constInts(n, 3, &ok), constInts(n, 4, &ok)
		if !ok {
			return box{}, false
		}
	}
	shape := n.In[0].Type.Shape
	from := box{t, 0, shape.Strides()}
	for i, start := range starts {
		axis, step := i, 1
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		axis, err := shape.Axis(axis)
		if err != nil {
			return box{}, false
		}
		last := shape[axis]
		if step < 0 {
			last--
		}
		if start < 0 {
			start += shape[axis]
		}
		from.first += min(max(start, 0), last) * from.strides[axis]
		from.strides[axis] *= step
	}
	return from, true
}

// constInts reads a constant input of integers, nil for an absent one; ok becomes false when it is not constant.
func constInts(n *graph.Node, i int, ok *bool) []int {
	if n.Input(i) == nil {
		return nil
	}
	t := n.ConstInput(i)
	if t == nil || !t.DType.IsInt() {
		*ok = false
		return nil
	}
	ints := make([]int, 0, t.Elems())
	for _, v := range t.Int64s() {
		ints = append(ints, int(v))
	}
	return ints
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TensorScatterGrad has the inputs of TensorScatter, with the gradient of its result in place of the cache, and gives
// the gradients of the cache and of the update.
func init() {
	op.Register(op.Def{
		Type: "TensorScatter", Since: 24,
		Infer: func(n *graph.Node) error {
			if _, err := slotsOf(n); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{2},
		Grad: func(b *op.Backward) {
			d := b.Emit(op.Internal, "TensorScatterGrad", b.Node.Attrs, 2, b.Grad(0), b.In(1), b.In(2))
			b.Set(0, d[0])
			b.Set(1, d[1])
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			copy(out[0].Data, in[0].Data)
			return eachSlot(n, in, func(cache, update, size int) {
				copy(out[0].Data[cache:cache+size], in[1].Data[update:])
			})
		},
		Samples: tensorScatterSamples,
	})
	op.Register(op.Def{
		Domain: op.Internal, Type: "TensorScatterGrad", Since: 1,
		Infer: func(n *graph.Node) error {
			if _, err := slotsOf(n); err != nil {
				return err
			}
			if err := set(n, 0, typeOf(n, 0), shapeOf(n, 0)); err != nil {
				return err
			}
			return set(n, 1, typeOf(n, 0), shapeOf(n, 1))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			copy(out[0].Data, in[0].Data)
			return eachSlot(n, in, func(cache, update, size int) {
				copy(out[1].Data[update:update+size], out[0].Data[cache:])
				clear(out[0].Data[cache : cache+size])
			})
		},
		Samples: tensorScatterGradSamples,
	})
}

// slots are where an update goes in a cache, along one axis.
type slots struct {
	axis     int
	circular bool
}

func slotsOf(n *graph.Node) (slots, error) {
	var s slots
	if err := inputs(n, 2, 3); err != nil {
		return s, err
	}
	if err := sameType(n, anyType, 0, 1); err != nil {
		return s, err
	}
	if err := allow(n, 2, setOf(tensor.Int64)); err != nil {
		return s, err
	}
	mode := n.Attrs.String("mode", "linear")
	if s.circular = mode == "circular"; !s.circular && mode != "linear" {
		return s, fmt.Errorf("attribute mode is %q; linear and circular are known", mode)
	}
	cache, update := shapeOf(n, 0), shapeOf(n, 1)
	var err error
	if s.axis, err = axisOf(n, -2); err != nil {
		return s, err
	}
	if s.axis == 0 {
		return s, fmt.Errorf("axis 0 is that of samples, which cannot be written along")
	}
	want := cache.Clone()
	if len(update) == len(cache) {
		want[s.axis] = min(update[s.axis], cache[s.axis])
	}
	if !want.Equal(update) {
		return s, fmt.Errorf("an update of shape %v does not fit a cache of shape %v along axis %d", update, cache, s.axis)
	}
	return s, lengths(n, 2, cache[0])
}

// eachSlot calls do with the offsets and the size, in bytes, of each row of the update and its place in the cache.
func eachSlot(n *graph.Node, in []*tensor.Tensor, do func(cache, update, size int)) error {
	s, err := slotsOf(n)
	if err != nil {
		return err
	}
	outer, along, inner := around(in[0].Shape, s.axis)
	count, size := in[1].Shape[s.axis], inner*in[0].DType.Size()
	first := make([]int64, in[0].Shape[0])
	if t := optional(in, 2); t != nil {
		first = t.Int64s()
	}
	for b, at := range first {
		if at < 0 || !s.circular && at > int64(along-count) {
			return fmt.Errorf("sample %d writes %d positions from %d on into a cache of %d", b, count, at, along)
		}
	}
	for o := range outer {
		at := int(first[o/(outer/len(first))] % int64(max(along, 1)))
		for k := range count {
			do((o*along+(at+k)%along)*size, (o*count+k)*size, size)
		}
	}
	return nil
}

func tensorScatterSamples() []op.Sample {
	of := func(name string, attrs graph.Attrs, cache, update, at, want *tensor.Tensor) op.Sample {
		s := op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{cache, update, at}}
		if want != nil {
			s.Want = one(want)
		}
		return s
	}
	return []op.Sample{
		of("values", nil, floats32([]int{2, 3, 1}, 1, 2, 3, 4, 5, 6), floats32([]int{2, 1, 1}, 7, 8), ints(2, 0),
			floats32([]int{2, 3, 1}, 1, 2, 7, 8, 5, 6)),
		of("circular", graph.MakeAttrs("mode", "circular", "axis", 1), floats32([]int{1, 3}, 1, 2, 3), floats32([]int{1, 2}, 7, 8), ints(2),
			floats32([]int{1, 3}, 8, 2, 7)),
		of("heads, from the start", nil, op.Normalish(1, 2, 2, 4, 3), op.Normalish(2, 2, 2, 2, 3), nil, nil),
		of("heads", graph.MakeAttrs("axis", 2), op.Normalish(1, 2, 2, 4, 3), op.Normalish(2, 2, 2, 3, 3), ints(1, 0), nil),
	}
}

func tensorScatterGradSamples() []op.Sample {
	all := tensorScatterSamples()
	for i := range all {
		all[i].Outs, all[i].Want = 2, nil
	}
	all[0].Want = []*tensor.Tensor{floats32([]int{2, 3, 1}, 1, 2, 0, 0, 5, 6), floats32([]int{2, 1, 1}, 3, 4)}
	return all
}

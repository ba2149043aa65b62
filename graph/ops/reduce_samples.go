package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func (r reduction) samples(since int) []op.Sample {
	along := func(name string, x *tensor.Tensor, keep int, list ...int) op.Sample {
		return r.along(op.Sample{Name: name, Attrs: graph.MakeAttrs("keepdims", keep), In: one(x)}, since, list...)
	}
	positive := func(seed uint64, shape ...int) *tensor.Tensor { return op.Uniform(seed, 0.5, 2, shape...) }
	known := along("by hand", floats32([]int{2, 3}, 1, 2, 3, 4, 5, 6), 0, 1)
	known.Want = one(floats32([]int{2}, r.want[:]...))
	empty := along("empty set", tensor.New(tensor.Float32, 2, 0), 1, 1)
	nothing := float32(r.float(nil))
	empty.Want, empty.NoGrad = one(floats32([]int{2, 1}, nothing, nothing)), true
	all := []op.Sample{
		known, empty,
		{Name: "every axis", In: one(positive(1, 2, 3, 2))},
		along("every axis dropped", positive(2, 2, 3), 0),
		along("channels left", positive(3, 2, 3, 2, 2), 1, 0, 2, 3),
		along("first axis", positive(4, 3, 4), 0, 0),
		along("negative axis", positive(5, 2, 3, 4), 1, -2),
		along("scalar", positive(6), 1),
		along("axes of one", positive(7, 3, 1), 1, 1),
		along("nothing left", tensor.New(tensor.Float32, 0, 3), 1, 1),
	}
	if since < 28 {
		integers := along("integers", tensor.Of[int32](tensor.Shape{2, 3}, 1, 2, 3, 4, 5, 6), 0, 1)
		integers.Want = one(tensor.Of(tensor.Shape{2}, int32(r.want[0]), int32(r.want[1])))
		all = append(all, integers)
	}
	if since >= r.axes {
		noop := op.Sample{Name: "no axes", Attrs: graph.MakeAttrs("noop_with_empty_axes", 1), In: one(positive(8, 2, 3))}
		all = append(all, noop, list(noop, since, r.axes, "axes"))
		all[len(all)-1].Name = "empty axes"
	}
	if r.more == nil {
		return all
	}
	for _, s := range r.more(since) {
		all = append(all, r.along(s, since, -1))
	}
	return all
}

// along is a sample with axes, if any.
func (r reduction) along(s op.Sample, since int, axes ...int) op.Sample {
	if len(axes) == 0 {
		return s
	}
	return list(s, since, r.axes, "axes", axes...)
}

package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	op.Register(op.Def{
		Type: "Range", Since: 11,
		Infer: inferRange,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			if in[0].DType.IsFloat() {
				start, delta := in[0].Float64s()[0], in[2].Float64s()[0]
				v := make([]float64, out[0].Elems())
				for i := range v {
					v[i] = start + float64(float64(i)*delta)
				}
				out[0].SetFloat64s(v)
				return nil
			}
			start, delta := in[0].Int64s()[0], in[2].Int64s()[0]
			v := make([]int64, out[0].Elems())
			for i := range v {
				v[i] = start + int64(i)*delta
			}
			out[0].SetInt64s(v)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, start, limit, delta, want *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, In: []*tensor.Tensor{start, limit, delta}, Const: []int{0, 1, 2}, Want: one(want)}
			}
			i64, f32 := tensor.Scalar[int64], tensor.Scalar[float32]
			return []op.Sample{
				of("integers", i64(0), i64(5), i64(2), ints(0, 2, 4)),
				of("down", i64(10), i64(6), i64(-3), ints(10, 7)),
				of("nothing", i64(3), i64(3), i64(1), ints()),
				of("floats", f32(1), f32(2.1), f32(0.5), tensor.Vector[float32](1, 1.5, 2)),
				of("the wrong way", f32(1), f32(2), f32(-1), tensor.Vector[float32]()),
			}
		},
	})
}

func inferRange(n *graph.Node) error {
	if err := inputs(n, 3, 3); err != nil {
		return err
	}
	if err := sameType(n, floats|indices|setOf(tensor.Int16), 0, 1, 2); err != nil {
		return err
	}
	var given [3]*tensor.Tensor
	for i, what := range []string{"start", "limit", "step"} {
		given[i] = n.ConstInput(i)
		if given[i] == nil {
			return fmt.Errorf("the %s, %q, depends on the data of a batch, and with it the shape of the result; "+
				"only a value known before the run is supported", what, n.In[i].Name)
		}
		if given[i].Elems() != 1 {
			return fmt.Errorf("the %s, %q, of shape %v is not one number", what, n.In[i].Name, given[i].Shape)
		}
	}
	size, err := rangeSize(given[0], given[1], given[2])
	if err != nil {
		return err
	}
	return set(n, 0, typeOf(n, 0), tensor.Shape{size})
}

func rangeSize(start, limit, delta *tensor.Tensor) (int, error) {
	if start.DType.IsFloat() {
		size := math.Ceil((limit.Float64s()[0] - start.Float64s()[0]) / delta.Float64s()[0])
		if math.IsNaN(size) || size > 1<<53 {
			return 0, fmt.Errorf("a range from %v to %v by %v has no end", start.Float64s()[0], limit.Float64s()[0], delta.Float64s()[0])
		}
		return int(max(size, 0)), nil
	}
	from, to, by := start.Int64s()[0], limit.Int64s()[0], delta.Int64s()[0]
	// Distances of int64 fit uint64, also when their signed difference wraps.
	var way, step uint64
	switch {
	case by == 0:
		return 0, fmt.Errorf("the step of a range is 0")
	case by > 0 && to > from:
		way, step = uint64(to)-uint64(from), uint64(by)
	case by < 0 && to < from:
		way, step = uint64(from)-uint64(to), -uint64(by)
	default:
		return 0, nil
	}
	size := (way-1)/step + 1
	if size > math.MaxInt {
		return 0, fmt.Errorf("a range from %d to %d by %d is larger than any memory", from, to, by)
	}
	return int(size), nil
}

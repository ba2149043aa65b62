package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Clip is min(max(x, low), high); the bounds are attributes before opset 11, then inputs. They are limits, not weights,
// and have no gradient.
func init() {
	for _, v := range []struct {
		since int
		types types
	}{{6, floats}, {11, floats}, {12, numeric}, {13, numeric}} {
		most := 3
		if v.since < 11 {
			most = 1
		}
		op.Register(op.Def{
			Type: "Clip", Since: v.since,
			Infer:  func(n *graph.Node) error { return inferClip(n, 1, most, v.types) },
			NoGrad: []int{1, 2},
			Grad: func(b *op.Backward) {
				in := append([]*graph.Value{b.Grad(0)}, b.Node.In...)
				b.Set(0, b.Internal("ClipGrad", b.Node.Attrs, in...))
			},
			Eval:    evalClip,
			Samples: func() []op.Sample { return clipSamples(v.since) },
		})
	}
}

// inferClip checks a node whose inputs from at on are the bounds.
func inferClip(n *graph.Node, at, most int, s types) error {
	if err := inputs(n, at, most); err != nil {
		return err
	}
	if err := sameType(n, s, 0, at-1, at, at+1); err != nil {
		return err
	}
	for i := at; i < at+2; i++ {
		if v := n.Input(i); v != nil && v.Type.Shape.Elems() != 1 {
			return fmt.Errorf("the bound %q of shape %v is not one number", v.Name, v.Type.Shape)
		}
	}
	return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
}

func evalClip(n *graph.Node, in, out []*tensor.Tensor) error {
	low, high := bound(in, 1), bound(in, 2)
	switch dt := in[0].DType; {
	case dt == tensor.Uint64:
		copy(tensor.Slice[uint64](out[0]), clip(in[0], low, high, tensor.Slice[uint64]))
	case dt.IsInt():
		out[0].SetInt64s(clip(in[0], low, high, (*tensor.Tensor).Int64s))
	default:
		low, high = clipBounds(n, in, 1)
		out[0].SetFloat64s(clip(in[0], low, high, (*tensor.Tensor).Float64s))
	}
	return nil
}

func bound(in []*tensor.Tensor, i int) *tensor.Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// clipBounds are the bounds in floating point, infinite where absent.
func clipBounds(n *graph.Node, in []*tensor.Tensor, at int) (low, high *tensor.Tensor) {
	low, high = bound(in, at), bound(in, at+1)
	if low == nil {
		low = tensor.Scalar(n.Attrs.Float("min", math.Inf(-1)))
	}
	if high == nil {
		high = tensor.Scalar(n.Attrs.Float("max", math.Inf(1)))
	}
	return low, high
}

func clip[T float64 | int64 | uint64](x, low, high *tensor.Tensor, read func(*tensor.Tensor) []T) []T {
	return apply(read(x), func(v T) T {
		if low != nil {
			v = max(v, read(low)[0])
		}
		if high != nil {
			v = min(v, read(high)[0])
		}
		return v
	})
}

func clipSamples(since int) []op.Sample {
	x := tensor.Vector[float32](-2, 0.5, 3)
	if since < 11 {
		return []op.Sample{
			with(example("both", tensor.Vector[float32](-1, 0.5, 1), x), "min", -1.0, "max", 1.0),
			with(example("low", tensor.Vector[float32](-1, 0.5, 3), x), "min", -1.0),
			with(example("high", tensor.Vector[float32](-2, 0.5, 1), x), "max", 1.0),
			with(op.Sample{Name: "six", In: one(op.Uniform(1, -3, 9, 3, 5))}, "min", 0.0, "max", 6.0),
		}
	}
	low, high := tensor.Scalar[float32](-1), tensor.Scalar[float32](1)
	all := []op.Sample{
		example("both", tensor.Vector[float32](-1, 0.5, 1), x, low, high),
		example("low", tensor.Vector[float32](-1, 0.5, 3), x, low),
		example("high", tensor.Vector[float32](-2, 0.5, 1), x, nil, high),
		example("none", x, x),
		example("low above high", tensor.Vector[float32](-1, -1, -1), x, high, low),
		kink(example("NaN", tensor.Vector[float64](nan), tensor.Vector[float64](nan), tensor.Scalar(0.0), tensor.Scalar(1.0))),
		{Name: "six", In: []*tensor.Tensor{op.Uniform(1, -3, 9, 3, 5), tensor.Vector[float32](0), tensor.Vector[float32](6)}},
	}
	if since >= 12 {
		all = append(all,
			example("int8", tensor.Vector[int8](-5, 0, 5), tensor.Vector[int8](-128, 0, 127), tensor.Scalar[int8](-5),
				tensor.Scalar[int8](5)),
			example("int8, one bound", tensor.Vector[int8](-1, 0, 1), tensor.Vector[int8](-1, 0, 1), tensor.Scalar[int8](-10)),
			example("uint64", tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1<<64-1), nil, tensor.Scalar[uint64](1<<63)))
	}
	return all
}

package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Cast",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			to, err := typeAttr(n, "to", tensor.Invalid)
			if err != nil {
				return err
			}
			return set(n, 0, to, shapeOf(n, 0))
		},
		Grad: gradCast,
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			convert(out[0], in[0])
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, in, want *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Attrs: graph.MakeAttrs("to", onnxType(want.DType)), In: one(in), Want: one(want)}
			}
			const big = 1<<53 + 1 // no float64
			return []op.Sample{
				to("float to int64 truncates", tensor.Vector[float32](1.9, -1.9, 0.5, -0.5), tensor.Vector[int64](1, -1, 0, 0)),
				to("float to bool", tensor.Vector[float32](0, -0.25, 3), tensor.Vector(false, true, true)),
				to("bool to float", tensor.Vector(false, true), tensor.Vector[float32](0, 1)),
				to("int32 to int64", tensor.Vector[int32](-5, 7), tensor.Vector[int64](-5, 7)),
				to("int64 to uint64", tensor.Vector[int64](big, -1), tensor.Vector[uint64](big, 1<<64-1)),
				to("int64 to int32 wraps", tensor.Vector[int64](1<<32+5), tensor.Vector[int32](5)),
				to("int64 to float", tensor.Vector[int64](-5, 1<<24+1), tensor.Vector[float32](-5, 1<<24)),
				to("int64 to bool", tensor.Vector[int64](0, 1<<40), tensor.Vector(false, true)),
				to("uint64 to double", tensor.Vector[uint64](1<<63), tensor.Vector[float64](1<<63)),
				to("double to float16", tensor.Vector(0.5, 65504, 1e6), tensor.Vector(half(0.5), half(65504), half(math.Inf(1)))),
				to("float to double", op.Normalish(1, 3), floatToDouble(op.Normalish(1, 3))),
				to("float to float", op.Normalish(2, 3), op.Normalish(2, 3)),
			}
		},
	}, 6, 9, 13, 19, 21)
}

func half(x float64) tensor.Half { return tensor.ToHalf(float32(x)) }

func floatToDouble(t *tensor.Tensor) *tensor.Tensor { return tensor.Vector(t.Float64s()...) }

func gradCast(b *op.Backward) {
	b.Set(0, b.OpAttrs("Cast", graph.MakeAttrs("to", onnxType(typeOf(b.Node, 0))), b.Grad(0)))
}

// convert fills out with the elements of in. Integers wrap to narrower integers. Floating point is truncated to
// integers and clamped to their range, NaN to 0; ONNX leaves both open, and machines differ.
func convert(out, in *tensor.Tensor) {
	from, to := in.DType, out.DType
	switch {
	case from == to:
		copy(out.Data, in.Data)
	case from.IsFloat() && to == tensor.Uint64:
		for i, v := range in.Float64s() {
			tensor.Slice[uint64](out)[i] = clampUint64(v)
		}
	case from.IsFloat() && to.IsInt():
		lo, hi := intRange(to)
		v := make([]int64, in.Elems())
		for i, x := range in.Float64s() {
			v[i] = clampInt64(x, lo, hi)
		}
		out.SetInt64s(v)
	case from == tensor.Int64 && to == tensor.Float32:
		// Through float64 it would be rounded twice.
		for i, v := range in.I64() {
			out.F32()[i] = float32(v)
		}
	case from == tensor.Uint64 && to == tensor.Float32:
		for i, v := range tensor.Slice[uint64](in) {
			out.F32()[i] = float32(v)
		}
	case to.IsInt():
		out.SetInt64s(in.Int64s())
	default:
		out.SetFloat64s(in.Float64s())
	}
}

// intRange is the range of an integer type other than uint64.
func intRange(dt tensor.DType) (lo, hi int64) {
	bits := 8 * dt.Size()
	if dt.IsSigned() {
		return -1 << (bits - 1), 1<<(bits-1) - 1
	}
	return 0, 1<<bits - 1
}

func clampInt64(x float64, lo, hi int64) int64 {
	switch {
	case math.IsNaN(x):
		return 0
	case x >= float64(hi):
		return hi
	case x <= float64(lo):
		return lo
	}
	return int64(x)
}

func clampUint64(x float64) uint64 {
	switch {
	case !(x > 0):
		return 0
	case x >= 1<<64:
		return math.MaxUint64
	}
	return uint64(x)
}

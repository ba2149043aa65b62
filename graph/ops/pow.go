package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	bases := floats | indices
	for _, v := range []struct {
		since            int
		bases, exponents types
	}{{7, floats, floats}, {12, bases, numeric}, {13, bases, numeric}, {15, bases, numeric}} {
		op.Register(op.Def{
			Type: "Pow", Since: v.since,
			Infer: func(n *graph.Node) error {
				if err := inputs(n, 2, 2); err != nil {
					return err
				}
				if err := allow(n, 0, v.bases); err != nil {
					return err
				}
				if err := allow(n, 1, v.exponents); err != nil {
					return err
				}
				if v.since < 12 {
					if err := sameType(n, floats, 0, 1); err != nil {
						return err
					}
				}
				return broadcastTypes(n, tensor.Invalid)
			},
			Grad:    gradPow,
			Eval:    evalPow,
			Samples: func() []op.Sample { return powSamples(v.since) },
		})
	}
}

// evalPow computes powers of integers by integers with wrapping, all others in float64.
func evalPow(_ *graph.Node, in, out []*tensor.Tensor) error {
	if !in[0].DType.IsInt() || !in[1].DType.IsInt() {
		mapPairs(out[0], in[0], in[1], math.Pow)
		return nil
	}
	negatives, impossible := in[1].DType.IsSigned(), false
	arithmetic{ints: func(x, y int64) int64 {
		if y < 0 && negatives {
			impossible = impossible || x == 0
			return inversePower(x, y)
		}
		return power(x, uint64(y))
	}}.fold(out[0], in[0], in[1])
	if impossible {
		return fmt.Errorf("0 to a negative power is no integer")
	}
	return nil
}

func power(x int64, y uint64) int64 {
	p := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 == 1 {
			p *= x
		}
		x *= x
	}
	return p
}

// inversePower is x to a negative power, truncated.
func inversePower(x, y int64) int64 {
	if x == 1 || x == -1 {
		return power(x, uint64(y)&1)
	}
	return 0
}

func gradPow(b *op.Backward) {
	x, e := b.In(0), b.In(1)
	if b.Want(0) {
		b.Set(0, gradBase(b, x, e))
	}
	if b.Want(1) {
		// The limit at a base of 0 is 0, where the logarithm is not finite.
		at0 := b.Op("And", b.Op("Equal", x, b.Scalar(x, 0)), b.Op("GreaterOrEqual", e, b.Scalar(e, 0)))
		de := b.Op("Mul", b.Op("Mul", b.Grad(0), b.Out(0)), b.Op("Log", x))
		b.Set(1, cast(b, b.Op("Where", at0, b.Scalar(x, 0), de), typeOf(b.Node, 1)))
	}
}

// gradBase emits dy e x^(e-1), and 0 where the exponent is 0, for a base of 0 too.
func gradBase(b *op.Backward, x, e *graph.Value) *graph.Value {
	if t := b.Node.ConstInput(1); t != nil && t.Elems() == 1 && t.Float64s()[0] == 2 {
		return b.Op("Mul", b.Op("Mul", b.Grad(0), x), b.Scalar(x, 2))
	}
	e = cast(b, e, x.Type.DType)
	slope := b.Op("Mul", e, b.Op("Pow", x, b.Op("Sub", e, b.Scalar(x, 1))))
	if !neverZero(b.Node.ConstInput(1)) {
		slope = b.Op("Where", b.Op("Equal", e, b.Scalar(x, 0)), b.Scalar(x, 0), slope)
	}
	return b.Op("Mul", b.Grad(0), slope)
}

func neverZero(t *tensor.Tensor) bool {
	if t == nil {
		return false
	}
	for _, v := range t.Float64s() {
		if v == 0 {
			return false
		}
	}
	return true
}

func cast(b *op.Backward, v *graph.Value, to tensor.DType) *graph.Value {
	if b.Err != nil || v.Type.DType == to {
		return v
	}
	return b.OpAttrs("Cast", graph.MakeAttrs("to", onnxType(to)), v)
}

func powSamples(since int) []op.Sample {
	signs := floats32([]int{4}, -2, -0.5, 0, 3)
	constant := func(name string, base *tensor.Tensor, exponent float32, want ...float32) op.Sample {
		s := example(name, floats32(base.Shape, want...), base, tensor.Scalar(exponent))
		s.Const = []int{1}
		return s
	}
	all := pairSamples(0.5, 2)()[:5]
	all = append(all,
		constant("square", signs, 2, 4, 0.25, 0, 9),
		constant("cube", signs, 3, -8, -0.125, 0, 27),
		constant("nothing", signs, 0, 1, 1, 1, 1),
		constant("inverse", floats32([]int{3}, -2, 0.5, 4), -1, -0.5, 2, 0.25),
		kink(constant("root", floats32([]int{3}, 0, 2.25, 4), 0.5, 0, 1.5, 2)),
	)
	if since >= 12 {
		all = append(all,
			example("integers", ints(1, -8, 1<<40, 0), ints(5, -2, 1<<20, 3), ints(0, 3, 2, -1)),
			example("float to integers", floats32([]int{3}, -8, 1, 0.25), floats32([]int{3}, -2, 0, 2), ints(3, 0, -2)),
			example("integer to float", tensor.Vector[int32](1, 2, 15), tensor.Vector[int32](1, 2, 4),
				floats32([]int{3}, 4, 1.2, 1.99)),
			example("int32 wraps", tensor.Vector[int32](0), tensor.Vector[int32](2), tensor.Vector[uint8](32)))
	}
	return all
}

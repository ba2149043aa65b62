package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Mod is x - n y, where n is x/y rounded down, which gives the sign of y, or with fmod rounded towards zero, which gives
// the sign of x.
func init() {
	for _, since := range []int{10, 13, 28} {
		op.Register(op.Def{
			Type: "Mod", Since: since,
			Infer: inferMod,
			Grad: func(b *op.Backward) {
				b.Set(0, b.Grad(0))
				if b.Want(1) {
					// (x mod y - x)/y is -n up to rounding.
					n := b.Op("Round", b.Op("Div", b.Op("Sub", b.Out(0), b.In(0)), b.In(1)))
					b.Set(1, b.Op("Mul", b.Grad(0), n))
				}
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				if err := divisible(in[1]); err != nil {
					return err
				}
				mod := arithmetic{floorMod, floorModInt, remainder[uint64]}
				if n.Attrs.Bool("fmod", false) {
					mod = arithmetic{math.Mod, remainder[int64], remainder[uint64]}
				}
				mod.fold(out[0], in[0], in[1])
				return nil
			},
			Samples: func() []op.Sample { return modSamples(since) },
		})
	}
}

func inferMod(n *graph.Node) error {
	if err := inferPair(numeric, tensor.Invalid)(n); err != nil {
		return err
	}
	if n.Op.Since < 28 && typeOf(n, 0).IsFloat() && !n.Attrs.Bool("fmod", false) {
		return fmt.Errorf("attribute fmod must be 1 for floating point before opset 28")
	}
	return nil
}

func remainder[T int64 | uint64](x, y T) T { return x % y }

func floorModInt(x, y int64) int64 {
	r := x % y
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r
}

func floorMod(x, y float64) float64 {
	r := math.Mod(x, y)
	switch {
	case r == 0:
		return math.Copysign(0, y)
	case (r < 0) != (y < 0):
		return r + y
	}
	return r
}

func modSamples(since int) []op.Sample {
	x, y := []float32{-4.3, 7.2, 5, 4.3, -7.2, 8}, []float32{2.1, -3.4, 8, -2.1, 3.4, 5}
	floating := []*tensor.Tensor{tensor.Vector(x...), tensor.Vector(y...)}
	all := []op.Sample{
		example("integers", ints(0, -2, 5, 0, 2, 3), ints(-4, 7, 5, 4, -7, 8), ints(2, -3, 8, -2, 3, 5)),
		with(example("integers, fmod", ints(0, 1, 5, 0, -1, 3), ints(-4, 7, 5, 4, -7, 8), ints(2, -3, 8, -2, 3, 5)), "fmod", 1),
		example("uint64", tensor.Vector[uint64](1), tensor.Vector[uint64](1<<63+1), tensor.Vector[uint64](1<<63)),
		with(example("fmod", tensor.Vector[float32](-0.1, 0.4, 5, 0.1, -0.4, 3), floating...), "fmod", 1),
		with(op.Sample{Name: "column", In: []*tensor.Tensor{op.Uniform(1, 5.1, 5.9, 2, 3),
			op.Uniform(2, 1.1, 1.2, 2, 1)}}, "fmod", 1),
	}
	if since >= 28 {
		all = append(all, example("floor", tensor.Vector[float32](2, -3, 5, -2, 3, 3), floating...))
	}
	return all
}

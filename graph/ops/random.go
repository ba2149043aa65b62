package ops

import (
	"fmt"
	"hash/fnv"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// draw is a sequence of random numbers, each a function of the seed and its place alone.
type draw struct{ seed uint64 }

// drawOf takes the seed from the attribute or, where that is absent, from the node's name: nodes differ, runs do not.
func drawOf(n *graph.Node) draw {
	if n.Attrs.Has("seed") {
		return draw{math.Float64bits(n.Attrs.Float("seed", 0))}
	}
	h := fnv.New64a()
	h.Write([]byte(n.Name)) // never fails
	return draw{h.Sum64()}
}

// uniform is number i, in [0, 1).
func (d draw) uniform(i int) float64 {
	z := mix64(mix64(d.seed) + uint64(i))
	return float64(z>>11) / (1 << 53)
}

// normal is number i of mean 0 and variance 1, by Box and Muller (1958).
func (d draw) normal(i int) float64 {
	// 1-u is in (0, 1], where the logarithm is finite.
	r := math.Sqrt(-2 * math.Log(1-d.uniform(2*i)))
	return r * math.Cos(2*math.Pi*d.uniform(2*i+1))
}

// mix64 is a step of SplitMix64 (Steele, Lea, Flood 2014).
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// randomOp registers an operator that fills its output with random numbers, and its twin Like, which takes the shape,
// and the type where the attribute dtype is absent, from its input. number gives number i of a draw.
func randomOp(typ string, number func(n *graph.Node, d draw, i int) float64, attrs graph.Attrs) {
	def := op.Def{
		Type: typ, Random: true,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 0, 0); err != nil {
				return err
			}
			if !n.Attrs.Has("shape") {
				return fmt.Errorf("attribute shape is missing")
			}
			return setRandom(n, tensor.Float32, floats, n.Attrs.Ints("shape"))
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			d, v := drawOf(n), make([]float64, out[0].Elems())
			for i := range v {
				v[i] = number(n, d, i)
			}
			out[0].SetFloat64s(v)
			return nil
		},
		Samples: func() []op.Sample {
			return []op.Sample{
				{Name: "seed", Attrs: attrs.With("shape", []int{3, 4}).With("seed", float32(7))},
				{Name: "double", Attrs: graph.MakeAttrs("shape", []int{5}, "dtype", onnxType(tensor.Float64))},
			}
		},
	}
	register(def, 1, 22)

	def.Type += "Like"
	def.Infer = func(n *graph.Node) error {
		if err := inputs(n, 1, 1); err != nil {
			return err
		}
		return setRandom(n, typeOf(n, 0), floats, shapeOf(n, 0))
	}
	def.Samples = func() []op.Sample {
		return []op.Sample{
			{Name: "seed", Attrs: attrs.With("seed", float32(7)), In: one(tensor.New(tensor.Float32, 3, 4))},
			{Name: "of integers", Attrs: graph.MakeAttrs("dtype", onnxType(tensor.Float32)), In: one(tensor.New(tensor.Int64, 5))},
		}
	}
	register(def, 1, 22)
}

// setRandom infers the output, whose type is the attribute dtype.
func setRandom(n *graph.Node, absent tensor.DType, s types, shape tensor.Shape) error {
	dt, err := typeAttr(n, "dtype", absent)
	if err != nil {
		return err
	}
	if !s.has(dt) {
		return fmt.Errorf("random numbers of type %v; the operator does not make them", dt)
	}
	return set(n, 0, dt, shape)
}

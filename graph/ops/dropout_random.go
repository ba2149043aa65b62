package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The internal Dropout(x, [seed, step]; ratio, key) is x/(1 - ratio) where a random number of the element is not below
// ratio, and 0 elsewhere. key tells the Dropouts of a graph apart.
//
// The random numbers are a pure function of seed, step, key and the element's index, so that the gradient, which is
// the same operator on dy, drops the same elements, and threads may take elements in any order. They come from SplitMix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014), whose state is a counter: with
//
//	mix(z) = z ^= z>>30; z *= 0xbf58476d1ce4e5b9; z ^= z>>27; z *= 0x94d049bb133111eb; z ^ z>>31
//	base   = mix(mix(mix(seed + γ) + step + γ) + key + γ), γ = 0x9e3779b97f4a7c15
//	word j = mix(base + (j+1) γ)
//
// element 2j has the lower and element 2j+1 the upper 32 bits of word j, and is dropped where they are below
// round(ratio 2³²).
func init() {
	op.Register(op.Def{
		Domain: op.Internal, Type: "Dropout", Since: 1,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 2); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			if t := n.In[1].Type; t.DType != tensor.Int64 || t.Shape.Elems() != 2 {
				return fmt.Errorf("input 1, %q, is %v instead of the int64 numbers seed and step", n.In[1].Name, t)
			}
			if ratio := n.Attrs.Float("ratio", 0.5); !(ratio >= 0 && ratio < 1) {
				return fmt.Errorf("ratio %v is outside of [0, 1)", ratio)
			}
			return set(n, 0, typeOf(n, 0), shapeOf(n, 0))
		},
		NoGrad: []int{1},
		Grad:   func(b *op.Backward) { b.Set(0, b.Internal("Dropout", b.Node.Attrs, b.Grad(0), b.In(1))) },
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			x, ratio := in[0].Float64s(), n.Attrs.Float("ratio", 0.5)
			rng := in[1].I64()
			base := dropoutBase(rng[0], rng[1], n.Attrs.Int("key", 0))
			for i := range x {
				if float64(dropoutBits(base, i)) < math.Round(ratio*(1<<32)) {
					x[i] = 0
				} else {
					x[i] /= 1 - ratio
				}
			}
			out[0].SetFloat64s(x)
			return nil
		},
		Random: true,
		Samples: func() []op.Sample {
			of := func(name string, ratio float64, key int, x *tensor.Tensor) op.Sample {
				return with(op.Sample{Name: name, In: []*tensor.Tensor{x, ints(7, 3)}}, "ratio", ratio, "key", key)
			}
			return []op.Sample{
				of("half", 0.5, 1, op.Uniform(1, 0.5, 1, 3, 7)),
				of("tenth", 0.1, -2, op.Uniform(2, 0.5, 1, 101)),
				of("nothing", 0, 0, op.Normalish(3, 2, 3)),
				of("empty", 0.5, 0, tensor.New(tensor.Float32, 0, 3)),
			}
		},
	})
}

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, odd

func splitMix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func dropoutBase(seed, step int64, key int) uint64 {
	z := splitMix(uint64(seed) + golden)
	z = splitMix(z + uint64(step) + golden)
	return splitMix(z + uint64(key) + golden)
}

func dropoutBits(base uint64, i int) uint32 {
	word := splitMix(base + (uint64(i)/2+1)*golden)
	return uint32(word >> (i % 2 * 32))
}

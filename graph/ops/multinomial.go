package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Multinomial draws sample_size classes for each row of log-probabilities, which need not be normalised.
func init() {
	register(op.Def{
		Type: "Multinomial", Random: true,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			if err := allow(n, 0, floats); err != nil {
				return err
			}
			if err := rank(n, 0, 2, 2); err != nil {
				return err
			}
			shape, size := shapeOf(n, 0), n.Attrs.Int("sample_size", 1)
			if shape[1] < 1 || size < 1 {
				return fmt.Errorf("%d samples from scores of shape %v", size, shape)
			}
			return setRandom(n, tensor.Int32, indices, tensor.Shape{shape[0], size})
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			d, p := drawOf(n), in[0].Float64s()
			classes, size := in[0].Shape[1], out[0].Shape[1]
			drawn := make([]int64, out[0].Elems())
			for i := range drawn {
				row := p[i/size*classes:][:classes]
				if i%size == 0 {
					softmax(row)
				}
				drawn[i] = pickClass(row, d.uniform(i))
			}
			out[0].SetInt64s(drawn)
			return nil
		},
		Samples: func() []op.Sample {
			inf := float32(math.Inf(-1))
			return []op.Sample{
				{Name: "certain", Attrs: graph.MakeAttrs("sample_size", 3, "dtype", onnxType(tensor.Int64)),
					In: one(floats32([]int{2, 3}, inf, 0, inf, inf, inf, 2)), Want: one(tensor.Of[int64](tensor.Shape{2, 3}, 1, 1, 1, 2, 2, 2))},
				{Name: "seed", Attrs: graph.MakeAttrs("sample_size", 4, "seed", 1.0), In: one(op.Normalish(1, 3, 5))},
			}
		},
	}, 7, 22)
}

// pickClass is the class in whose part of [0, 1) u lies; the last one of any probability when rounding leaves none.
func pickClass(p []float64, u float64) int64 {
	last := 0
	for c, v := range p {
		if v == 0 {
			continue
		}
		if u < v {
			return int64(c)
		}
		u -= v
		last = c
	}
	return int64(last)
}

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
		Type: "MelWeightMatrix", Since: 17,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 5, 5); err != nil {
				return err
			}
			for i := range 5 {
				s := indices
				if i > 2 {
					s = floats
				}
				if err := allow(n, i, s); err != nil {
					return err
				}
				if t := n.In[i].Type.Shape; t.Elems() != 1 {
					return fmt.Errorf("input %d, %q, has shape %v and should be one number", i, n.In[i].Name, t)
				}
			}
			dt, err := typeAttr(n, "output_datatype", tensor.Float32)
			if err != nil {
				return err
			}
			if !numeric.has(dt) {
				return fmt.Errorf("attribute output_datatype is %v", dt)
			}
			bins, err := constant(n, 0, "number of mel bins")
			if err != nil {
				return err
			}
			length, err := constant(n, 1, "length of the transform")
			if err != nil {
				return err
			}
			if length[0] < 0 {
				return fmt.Errorf("a transform of length %d", length[0])
			}
			return set(n, 0, dt, tensor.Shape{length[0]/2 + 1, bins[0]})
		},
		Eval:    evalMelWeightMatrix,
		Samples: melSamples,
	})
}

// evalMelWeightMatrix makes one triangle a column, whose corners are neighbours among bins+2 frequencies.
func evalMelWeightMatrix(_ *graph.Node, in, out []*tensor.Tensor) error {
	rows, bins := out[0].Shape[0], out[0].Shape[1]
	corners, err := melCorners(bins+2, in, rows)
	if err != nil {
		return err
	}
	y := make([]float64, rows*bins)
	for c := range bins {
		left, peak, right := corners[c], corners[c+1], corners[c+2]
		for k := left; k < peak; k++ {
			y[k*bins+c] = float64(k-left) / float64(peak-left)
		}
		y[peak*bins+c] = 1
		for k := peak + 1; k < right; k++ {
			y[k*bins+c] = float64(right-k) / float64(right-peak)
		}
	}
	out[0].SetFloat64s(y)
	return nil
}

// melCorners are the rows of count frequencies that are evenly spaced on the mel scale. ONNX divides the range by count,
// not by the count-1 steps between them.
func melCorners(count int, in []*tensor.Tensor, rows int) ([]int, error) {
	length, rate := in[1].Float64s()[0], in[2].Float64s()[0]
	mel := func(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }
	low, high := mel(in[3].Float64s()[0]), mel(in[4].Float64s()[0])
	corners := make([]int, count)
	for i := range corners {
		at := low + float64(i)*((high-low)/float64(count))
		hertz := 700 * (math.Pow(10, at/2595) - 1)
		row := math.Floor((length + 1) * hertz / rate)
		if !(row >= 0 && row < float64(rows)) || i > 0 && int(row) < corners[i-1] {
			return nil, fmt.Errorf("a band at %g Hz lies outside of the spectrum of %d lines at a rate of %g Hz", hertz, rows, rate)
		}
		corners[i] = int(row)
	}
	return corners, nil
}

func melSamples() []op.Sample {
	scalar, hertz := tensor.Scalar[int64], tensor.Scalar[float32]
	return []op.Sample{{Name: "values", Const: []int{0, 1},
		In:   []*tensor.Tensor{scalar(3), scalar(16), scalar(8192), hertz(0), hertz(4096)},
		Want: one(floats32([]int{9, 3}, 1, 0, 0, 0, 1, 0, 0, 0.5, 0.5, 0, 0, 1, 0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
	}}
}

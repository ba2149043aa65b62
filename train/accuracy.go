package train

import (
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Score counts right answers among class predictions.
type Score struct{ Top1, Top5, Total int }

// Add adds another score.
func (s *Score) Add(t Score) { s.Top1 += t.Top1; s.Top5 += t.Top5; s.Total += t.Total }

// Rates are the fractions of right answers, 0 without any.
func (s Score) Rates() (top1, top5 float64) {
	n := float64(max(s.Total, 1))
	return float64(s.Top1) / n, float64(s.Top5) / n
}

// score compares floating-point scores with int64 class labels. The classes are on the last axis, or on axis 1 where the
// labels' shape says so. Labels outside of the classes are ignored, as the loss does with IgnoreIndex. A score that ties
// with the right one counts as better when its class comes first, so that equal scores earn chance, not a hit.
func score(output, label *tensor.Tensor) Score {
	shape := output.Shape
	if !output.DType.IsFloat() || label.DType != tensor.Int64 || len(shape) < 2 {
		return Score{}
	}
	classes, stride := shape[len(shape)-1], 1
	if len(shape) > 2 && !label.Shape.Equal(shape[:len(shape)-1]) {
		classes, stride = shape[1], shape[2:].Elems()
	}
	if output.Elems() != classes*label.Elems() {
		return Score{} // a loss of the model's own may compare other positions than the labels'
	}
	if output.DType != tensor.Float32 {
		return scoreOf(output.Float64s(), label, classes, stride)
	}
	return scoreOf(output.F32(), label, classes, stride)
}

func scoreOf[T float32 | float64](x []T, label *tensor.Tensor, classes, stride int) Score {
	var s Score
	for i, want := range label.I64() {
		if want < 0 || int(want) >= classes {
			continue
		}
		start := i/stride*classes*stride + i%stride
		right := x[start+int(want)*stride]
		better := 0
		for c := range classes {
			if v := x[start+c*stride]; v > right || v == right && c < int(want) || v != v {
				better++
			}
		}
		s.Total++
		if better == 0 {
			s.Top1++
		}
		if better < 5 {
			s.Top5++
		}
	}
	return s
}

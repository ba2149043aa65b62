package pass

import (
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// twoHeads has a head for each of two outputs, and a mask that only tells where numbers are kept.
func twoHeads() *sketch {
	s := newSketch()
	x := s.input("x", tensor.Float32, 3, 4)
	mask := s.op("Slice", nil, s.weight("mask", 5, 4), s.ints(0), s.ints(3), s.ints(0))
	keep := s.op("Equal", nil, mask, s.NewConst("zero", tensor.Scalar[float32](0)))
	x = s.op("Where", nil, keep, s.NewConst("", tensor.Scalar[float32](1)), x)
	for _, name := range []string{"a", "b"} {
		w := s.op("Transpose", nil, s.weight(name+".weight", 2, 4))
		s.output(name, s.op("Add", nil, s.op("MatMul", nil, x, w), s.weight(name+".bias", 2)))
	}
	return s
}

func TestWeightsThatDoNotReachTheLoss(t *testing.T) {
	loss := Loss{Kind: "mse", Output: "a", Label: graph.Type{DType: tensor.Float32, Shape: tensor.Shape{3, 2}}}
	_, err := Build(twoHeads().Graph, Options{Training: true, Loss: loss})
	if err == nil || !strings.Contains(err.Error(), `"b.weight"`) || strings.Contains(err.Error(), "mask") {
		t.Errorf("error %v, which should name b.weight and not the mask", err)
	}
	both := loss
	both.And = []Loss{{Kind: "l1", Output: "b", Label: loss.Label, Weight: 2}}
	for name, o := range map[string]Options{
		"allowed":     {Training: true, Loss: loss, AllowUnused: true},
		"frozen":      {Training: true, Loss: loss, Freeze: func(name string) bool { return strings.HasPrefix(name, "b.") }},
		"not trained": {Training: true, Loss: loss, Train: func(name string) bool { return strings.HasPrefix(name, "a.") }},
		"evaluation":  {Loss: loss},
	} {
		b := build(t, twoHeads(), o)
		if len(b.Params) != 2 || b.Params[0].Name != "a.weight" || b.Params[1].Name != "a.bias" {
			t.Errorf("%s: parameters %v", name, b.Params)
		}
	}
	b := build(t, twoHeads(), Options{Training: true, Loss: both})
	if len(b.Params) != 4 || len(b.Labels) != 2 || b.LossKind != "mse+l1" || b.LossTerms != 3 {
		t.Errorf("two losses: parameters %v, labels %v, %s over %d", b.Params, b.Labels, b.LossKind, b.LossTerms)
	}
}

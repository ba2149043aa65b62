package cpu

import (
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, c := range []struct {
		name string
		size []int
		out  []int
	}{
		{"pairs", []int{3, 5, 28, 28}, []int{3, 5, 14, 14}},
		{"pairs of an odd plane", []int{2, 3, 9, 7}, []int{2, 3, 4, 3}},
	} {
		attrs := graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})
		x, dy := op.Normalish(1, c.size...), op.Normalish(2, c.out...)
		larger = append(larger,
			largerCall{typ: "MaxPool", Sample: op.Sample{Name: c.name, Attrs: attrs, In: []*tensor.Tensor{x}}},
			largerCall{domain: op.Internal, typ: "MaxPoolGrad", Sample: op.Sample{Name: c.name, Attrs: attrs, In: []*tensor.Tensor{dy, x}}},
			largerCall{typ: "AveragePool", Sample: op.Sample{Name: c.name, Attrs: attrs, In: []*tensor.Tensor{x}}},
			largerCall{domain: op.Internal, typ: "AveragePoolGrad", Sample: op.Sample{Name: c.name, Attrs: attrs.With("shape", c.size), In: []*tensor.Tensor{dy}}})
	}
}

// What is chosen by masks is what the windows' search finds, also with NaN and equal numbers.
func TestMaxPoolPairsFindTheFirstLargest(t *testing.T) {
	values := []float32{0, 1, -1, float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.NaN())}
	p := pool2d{count: 1, ih: 2, iw: 2, oh: 1, ow: 1, kh: 2, kw: 2, sh: 2, sw: 2, dh: 1, dw: 1}
	for i := range 6 * 6 * 6 * 6 {
		x := []float32{values[i%6], values[i/6%6], values[i/36%6], values[i/216]}
		at := p.argmax(x, 0, 0)
		var y [1]float32
		p.maxPairs(y[:], x)
		if y[0] != x[at] && !(y[0] != y[0] && x[at] != x[at]) {
			t.Fatalf("largest of %v is %v", x, y[0])
		}
		var dx, want [4]float32
		want[at] = 7
		if p.maxGradPairs(dx[:], []float32{7}, x); !slices.Equal(dx[:], want[:]) {
			t.Fatalf("gradient of the largest of %v is %v", x, dx)
		}
	}
}

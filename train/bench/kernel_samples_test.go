package bench

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func TestRepeat(t *testing.T) {
	x := tensor.Of(tensor.Shape{2, 2}, int64(1), 2, 3, 4)
	for _, c := range []struct {
		r     repeat
		shape tensor.Shape
		want  []int64
	}{
		{repeat{1, 1}, tensor.Shape{2, 2}, []int64{1, 2, 3, 4}},
		{repeat{2, 1}, tensor.Shape{4, 2}, []int64{1, 2, 3, 4, 1, 2, 3, 4}},
		{repeat{1, 2}, tensor.Shape{2, 4}, []int64{1, 2, 1, 2, 3, 4, 3, 4}},
		{repeat{2, 2}, tensor.Shape{4, 4}, []int64{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4}},
	} {
		got := tensor.New(tensor.Int64, c.r.shape(x.Shape)...)
		c.r.fill(got.Data, x)
		if !got.Shape.Equal(c.shape) || !slices.Equal(got.I64(), c.want) {
			t.Errorf("%+v: %v of shape %v", c.r, got.I64(), got.Shape)
		}
	}
	scalar, got := tensor.Scalar[float32](3), tensor.New(tensor.Float32)
	if (repeat{1, 1}).fill(got.Data, scalar); !bytes.Equal(got.Data, scalar.Data) {
		t.Error("a scalar is not copied")
	}
}

// TestLarger makes rows and examples of a normalisation larger, and its scales.
func TestLarger(t *testing.T) {
	def, err := op.Resolve("", "LayerNormalization", 17)
	if err != nil {
		t.Fatal(err)
	}
	s := op.Sample{Name: "norm", In: []*tensor.Tensor{op.Uniform(1, 0, 1, 2, 3), op.Uniform(2, 0, 1, 3)}}
	c, err := larger{row: 4, together: true}.call(def, s)
	if err != nil {
		t.Fatal(err)
	}
	n, examples := c.g.Nodes[0], 2*(sampleElems/(6*4))
	if x, scale, y := n.In[0].Type.Shape, n.In[1].Type.Shape, n.Out[0].Type.Shape; !x.Equal(tensor.Shape{examples, 12}) || !scale.Equal(tensor.Shape{12}) || !y.Equal(x) {
		t.Errorf("x %v, scale %v, y %v", x, scale, y)
	}
}

func TestKernelsOfSamples(t *testing.T) {
	timing := timer{nil, &Limits{F32: 100, BF16: 100, Memory: []Bandwidth{{1 << 10, 10}}}, 1}
	tried := 0
	for _, k := range cpu.Registered() {
		if !slices.Contains([]string{"abs", "rms_norm", "where", "reduce_sum"}, k.Name) {
			continue
		}
		tried++
		got, ok := timing.kernel(context.Background(), k)
		if !ok || got.Kernel != k.Name || !(got.MS > 0) || !(got.Share > 0) || got.Limit != Memory {
			t.Errorf("%s: %+v, %v", k.Name, got, ok)
		}
	}
	if tried != 4 {
		t.Errorf("%d kernels of 4", tried)
	}
}

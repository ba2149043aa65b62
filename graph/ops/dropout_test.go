package ops

import (
	"math"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// dropped runs the internal Dropout on ones and says which elements it drops.
func dropped(t *testing.T, seed, step int64, key int, ratio float64, n int) []bool {
	t.Helper()
	def, err := op.Resolve(op.Internal, "Dropout", 1)
	if err != nil {
		t.Fatal(err)
	}
	ones := tensor.New(tensor.Float32, n)
	ones.SetFloat64s(apply(make([]float64, n), constantly(1)))
	out := tensor.New(tensor.Float32, n)
	node := &graph.Node{Op: def.ID(), Attrs: graph.MakeAttrs("ratio", ratio, "key", key)}
	if err := def.Eval(node, []*tensor.Tensor{ones, tensor.Vector(seed, step)}, one(out)); err != nil {
		t.Fatal(err)
	}
	drops := make([]bool, n)
	for i, v := range out.F32() {
		drops[i] = v == 0
		if kept := float32(1 / (1 - float64(float32(ratio)))); v != 0 && math.Abs(float64(v-kept)) > 1e-6 {
			t.Fatalf("element %d is %v, want 0 or %v", i, v, kept)
		}
	}
	return drops
}

// TestDropoutDropsTheRatio looks at the share of dropped elements, within five standard deviations.
func TestDropoutDropsTheRatio(t *testing.T) {
	const n = 100000
	for _, ratio := range []float64{0.1, 0.25, 0.5, 0.9} {
		count := 0.0
		for _, d := range dropped(t, 1, 2, 3, ratio, n) {
			if d {
				count++
			}
		}
		if off := math.Abs(count - n*ratio); off > 5*math.Sqrt(n*ratio*(1-ratio)) {
			t.Errorf("ratio %v: %v of %d are dropped", ratio, count, n)
		}
	}
}

// TestDropoutMasksAreIndependent compares masks that differ in seed, step, key, or by a shift of one element: half of
// the elements must agree.
func TestDropoutMasksAreIndependent(t *testing.T) {
	const n = 100000
	first := dropped(t, 1, 2, 3, 0.5, n)
	for name, other := range map[string][]bool{
		"seed": dropped(t, 2, 2, 3, 0.5, n), "step": dropped(t, 1, 3, 3, 0.5, n), "key": dropped(t, 1, 2, 4, 0.5, n),
		"step and key exchanged": dropped(t, 1, 3, 2, 0.5, n), "shift": append(first[1:n:n], first[0]),
	} {
		agree := 0.0
		for i := range first {
			if first[i] == other[i] {
				agree++
			}
		}
		if math.Abs(agree-n/2) > 5*math.Sqrt(n)/2 {
			t.Errorf("%s: %v of %d elements agree", name, agree, n)
		}
	}
}

// TestStandardDropoutInTraining runs the standard Dropout as it asks to be run.
func TestStandardDropoutInTraining(t *testing.T) {
	def, err := op.Resolve("", "Dropout", 13)
	if err != nil {
		t.Fatal(err)
	}
	x, y, mask := op.Uniform(1, 1, 2, 100), tensor.New(tensor.Float32, 100), tensor.New(tensor.Bool, 100)
	in := []*tensor.Tensor{x, tensor.Scalar[float32](0.75), tensor.Scalar(true)}
	if err := def.Eval(&graph.Node{Name: "node"}, in, []*tensor.Tensor{y, mask}); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i, m := range tensor.Slice[bool](mask) {
		want := float32(0)
		if m {
			kept++
			want = 4 * x.F32()[i]
		}
		if y.F32()[i] != want {
			t.Errorf("element %d is %v, want %v", i, y.F32()[i], want)
		}
	}
	if kept < 10 || kept > 40 {
		t.Errorf("%d of 100 elements are kept, want about 25", kept)
	}
	in[1] = tensor.Scalar[float32](1)
	if err := def.Eval(&graph.Node{Name: "node"}, in, []*tensor.Tensor{y, mask}); err == nil {
		t.Error("no error for ratio 1")
	}
}

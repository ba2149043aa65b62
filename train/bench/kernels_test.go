package bench

import (
	"context"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// TestKernelCalls compiles every call, in both precisions. None is worth timing on the reference.
func TestKernelCalls(t *testing.T) {
	b, err := backend.Lookup("cpu")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range kernelCalls() {
		if seen[c.name] {
			t.Errorf("two calls are named %q", c.name)
		}
		seen[c.name] = true
		for _, dt := range []tensor.DType{tensor.Float32, tensor.BFloat16Type} {
			g, err := c.graph(dt)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			p, err := b.Compile(g, backend.Options{})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if kernel := p.Kernel(g.Nodes[0]); kernel == "" || kernel == "reference" {
				t.Errorf("%s in %v runs on %q", c.name, dt, kernel)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestKernelCallTime(t *testing.T) {
	l := &Limits{F32: 100, BF16: 100, Memory: []Bandwidth{{1 << 10, 10}}}
	for _, c := range []kernelCall{
		{name: "product", typ: "MatMul", in: []tensor.Shape{{64, 64}, {64, 64}}},
		{name: "table", typ: "Gather", in: []tensor.Shape{{5, 512}, {1000}}, indices: 5, wide: []int{0}},
	} {
		for _, dt := range []tensor.DType{tensor.Float32, tensor.BFloat16Type} {
			k, err := timer{nil, l, 2}.call(context.Background(), c, dt)
			if err != nil {
				t.Fatal(err)
			}
			if k.Name != c.name || !(k.MS > 0) || !(k.Share > 0) || !(k.GBS > 0) {
				t.Errorf("%+v", k)
			}
		}
	}
}

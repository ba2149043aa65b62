package bench

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// call is an inferred node.
func call(t *testing.T, domain, typ string, in ...graph.Type) *graph.Node {
	t.Helper()
	g := graph.New("call")
	n := &graph.Node{Out: []*graph.Value{g.NewValue("", graph.Computed, graph.Type{})}}
	for _, typ := range in {
		n.In = append(n.In, g.NewValue("", graph.Input, typ))
	}
	opset := op.EmitOpset
	if domain != "" {
		opset = 1
	}
	def, err := op.Resolve(domain, typ, opset)
	if err != nil {
		t.Fatal(err)
	}
	n.Op = def.ID()
	g.AddNode(n)
	if err := def.Infer(n); err != nil {
		t.Fatal(err)
	}
	return n
}

func f32(shape ...int) graph.Type { return graph.Type{DType: tensor.Float32, Shape: shape} }

func TestBytes(t *testing.T) {
	twice := call(t, "", "Add", f32(5, 2), f32(5, 2))
	twice.In[1] = twice.In[0]
	for _, c := range []struct {
		name string
		n    *graph.Node
		want float64
	}{
		{"both operands and the result", call(t, "", "Add", f32(5, 2), f32(2)), 4 * (10 + 2 + 10)},
		{"an operand that is both", twice, 4 * (10 + 10)},
		{"bf16", call(t, "", "Relu", graph.Type{DType: tensor.BFloat16Type, Shape: tensor.Shape{6}}), 2 * (6 + 6)},
		{"rows of a table", call(t, "", "Gather", f32(1000, 3), graph.Type{DType: tensor.Int64, Shape: tensor.Shape{7}}), 4*(21+21) + 8*7},
		{"rows of a short table", call(t, "", "Gather", f32(2, 3), graph.Type{DType: tensor.Int64, Shape: tensor.Shape{7}}), 4*(6+21) + 8*7},
	} {
		if got := Bytes(c.n); got != c.want {
			t.Errorf("%s: %v bytes, want %v", c.name, got, c.want)
		}
	}
}

func TestRate(t *testing.T) {
	l := &Limits{F32: 100, BF16: 200, Memory: []Bandwidth{{1000, 80}, {4000, 40}, {16000, 10}}}
	bf16 := graph.Type{DType: tensor.BFloat16Type, Shape: tensor.Shape{100, 100}}
	for _, c := range []struct {
		name string
		n    *graph.Node
		ns   float64
		want Rate
	}{
		{"arithmetic", call(t, "", "MatMul", f32(100, 100), f32(100, 100)), 40000, Rate{GFLOPS: 50, GBS: 3, Limit: F32, Share: 0.5}},
		{"arithmetic in bf16", call(t, "", "MatMul", bf16, bf16), 40000, Rate{GFLOPS: 50, GBS: 1.5, Limit: BF16, Share: 0.25}},
		{"a product with hardly any", call(t, "", "MatMul", f32(100, 1), f32(1, 100)), 20000, Rate{GFLOPS: 1, GBS: 2.04, Limit: Memory, Share: 0.204}},
		{"memory", call(t, "", "Relu", f32(4000)), 8000, Rate{GBS: 4, Limit: Memory, Share: 0.4}},
		{"a cache", call(t, "", "Relu", f32(500)), 2000, Rate{GBS: 2, Limit: Memory, Share: 0.05}},
		{"the first cache", call(t, "", "Relu", f32(20)), 1000, Rate{GBS: 0.16, Limit: Memory, Share: 0.002}},
		{"less than the clock tells", call(t, "", "Relu", f32(500)), 100, Rate{}},
	} {
		got := l.rate(c.n, c.ns)
		if got.Limit != c.want.Limit || !near(got.GFLOPS, c.want.GFLOPS) || !near(got.GBS, c.want.GBS) || !near(got.Share, c.want.Share) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func TestMeasureLimits(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	start := time.Now()
	l := MeasureLimits(pool)
	if took := time.Since(start); took > 5*time.Second { // ten times what it takes where nothing else runs
		t.Errorf("%v", took)
	}
	if l.Threads != 2 || l.ISA == "" || !(l.F32 > 0) || !(l.BF16 > 0) || len(l.Memory) == 0 {
		t.Fatalf("%+v", l)
	}
	for i, m := range l.Memory {
		if !(m.GBS > 0) || i > 0 && (m.Bytes <= l.Memory[i-1].Bytes || m.GBS > l.Memory[i-1].GBS) {
			t.Errorf("bandwidths %+v", l.Memory)
		}
	}
}

// TestTypicalRate has another process take the core at every fifth call.
func TestTypicalRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		got := typicalRate(100*time.Millisecond, func() float64 {
			if calls++; calls%5 == 1 {
				time.Sleep(5 * time.Millisecond)
			}
			time.Sleep(time.Millisecond)
			return 2
		})
		if !near(got, 2000) || calls != 50 {
			t.Errorf("%v a second in %d calls", got, calls)
		}
		if got := typicalRate(time.Millisecond, func() float64 { time.Sleep(time.Microsecond); return 3 }); !near(got, 3e6) {
			t.Errorf("%v a second of calls shorter than the clock tells", got)
		}
	})
}

// TestTogether adds up what threads do, also when one worker does it all.
func TestTogether(t *testing.T) {
	pool := par.New(3)
	defer pool.Close()
	got := together(pool, 0, func(thread int) func() float64 {
		return func() float64 { time.Sleep(time.Millisecond); return float64(thread) }
	})
	if got > 3000 || got <= 0 {
		t.Errorf("%v a second", got)
	}
}

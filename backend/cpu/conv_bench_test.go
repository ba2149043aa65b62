package cpu

import (
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// convBench is a convolution of square planes with square filters.
type convBench struct {
	name                      string
	n, c, m, size, k, s, pads int
}

var convBenches = []convBench{
	{"3-16_32x32", 128, 3, 16, 32, 3, 1, 1},
	{"16-16_32x32", 128, 16, 16, 32, 3, 1, 1},
	{"16-32_s2", 128, 16, 32, 32, 3, 2, 1},
	{"32-32_16x16", 128, 32, 32, 16, 3, 1, 1},
	{"32-64_s2", 128, 32, 64, 16, 3, 2, 1},
	{"64-64_8x8", 128, 64, 64, 8, 3, 1, 1},
	{"128-128_16x16", 32, 128, 128, 16, 3, 1, 1},
	{"256-256_8x8", 32, 256, 256, 8, 3, 1, 1},
	{"512-512_4x4", 32, 512, 512, 4, 3, 1, 1},
	{"16-32_1x1_s2", 128, 16, 32, 32, 1, 2, 0},
	{"lenet_1-6_5x5", 128, 1, 6, 28, 5, 1, 2},
	{"lenet_6-16_5x5", 128, 6, 16, 14, 5, 1, 0},
}

// BenchmarkConv reports GFLOP/s of the median run in each direction, on one thread and on two.
func BenchmarkConv(b *testing.B) {
	for _, c := range convBenches {
		for _, direction := range []string{"Conv", "ConvGradInput", "ConvGradWeight"} {
			for _, threads := range []string{"1t", "2t"} {
				b.Run(c.name+"/"+direction+"/"+threads, func(b *testing.B) { c.run(b, direction, int(threads[0]-'0'), false) })
			}
		}
	}
}

// run times the kernel of a direction, with activations in bf16 or all in float32.
func (c *convBench) run(b *testing.B, direction string, threads int, half bool) {
	out := (c.size+2*c.pads-c.k)/c.s + 1
	x, w, y := tensor.Shape{c.n, c.c, c.size, c.size}, tensor.Shape{c.m, c.c, c.k, c.k}, tensor.Shape{c.n, c.m, out, out}
	attrs := graph.MakeAttrs("pads", []int{c.pads, c.pads, c.pads, c.pads}, "strides", []int{c.s, c.s})
	s := op.Sample{Attrs: attrs, In: []*tensor.Tensor{op.Uniform(1, -1, 1, x...), op.Uniform(2, -1, 1, w...)}}
	domain := op.Internal
	switch direction {
	case "Conv":
		domain = ""
	case "ConvGradInput":
		s.Attrs, s.In[0] = attrs.With("shape", []int(x)), op.Uniform(1, -1, 1, y...)
	default:
		s.Attrs, s.In = attrs.With("shape", []int(w)), []*tensor.Tensor{op.Uniform(1, -1, 1, y...), s.In[0]}
	}
	def, err := op.Resolve(domain, direction, op.EmitOpset)
	if err != nil {
		b.Fatal(err)
	}
	l := largerCall{Sample: s}
	if half {
		l = halfConvCall(direction, s)
	}
	n, err := call{def, l.Sample, l.out}.node()
	if err != nil {
		b.Fatal(err)
	}
	k := Candidates(n)[0]
	pool := par.New(threads)
	defer pool.Close()
	room := tensor.New(tensor.Uint8, k.Scratch(n, threads)+64)
	run, err := k.Bind(n, l.In, []*tensor.Tensor{tensor.New(n.Out[0].Type.DType, n.Out[0].Type.Shape...)}, Scratch{Pool: pool, Mem: aligned(room.Data)})
	if err != nil {
		b.Fatal(err)
	}
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := run(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	flops := 2 * float64(y.Elems()*c.c*c.k*c.k)
	b.ReportMetric(flops/times[len(times)/2].Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(flops/times[0].Seconds()/1e9, "best-GFLOP/s")
}

// aligned is the memory from its first cache line on.
func aligned(b []byte) []byte { return b[-uintptr(unsafe.Pointer(&b[0]))&63:] }

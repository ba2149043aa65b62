package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Kernel is the time of one operator call at sizes that models have.
type Kernel struct {
	Name   string  `json:"name"`
	Kernel string  `json:"kernel"` // what ran it
	MS     float64 `json:"ms"`     // median
	GFLOPS float64 `json:"gflops,omitempty"`
	GBS    float64 `json:"gb_per_s"` // bytes of inputs and outputs, each counted once
}

// kernelCall is an operator with float32 inputs of the given shapes.
type kernelCall struct {
	name, domain, typ string
	attrs             graph.Attrs
	in                []tensor.Shape
	outs              int
}

func kernelCalls() []kernelCall {
	conv3 := func(stride int) graph.Attrs {
		return graph.MakeAttrs("kernel_shape", []int{3, 3}, "pads", []int{1, 1, 1, 1}, "strides", []int{stride, stride},
			"dilations", []int{1, 1}, "group", 1)
	}
	calls := []kernelCall{
		{name: "matmul 1024x1024x1024", typ: "MatMul", in: []tensor.Shape{{1024, 1024}, {1024, 1024}}},
		{name: "matmul 4096x128x512", typ: "MatMul", in: []tensor.Shape{{4096, 128}, {128, 512}}},
		{name: "linear 128x784x256", typ: "Gemm", attrs: graph.MakeAttrs("transB", 1), in: []tensor.Shape{{128, 784}, {256, 784}, {256}}},
		{name: "attention scores 128x4 of 64x32x64", domain: op.Internal, typ: "FusedMatMul",
			attrs: graph.MakeAttrs("transA", 0, "transB", 1, "alpha", 0.125), in: []tensor.Shape{{128, 4, 64, 32}, {128, 4, 64, 32}}},
	}
	for _, c := range []struct{ in, out, size, stride int }{{3, 16, 32, 1}, {16, 16, 32, 1}, {16, 32, 32, 2}, {32, 32, 16, 1}, {64, 64, 8, 1}} {
		name := fmt.Sprintf("conv 3x3 128x%dx%dx%d to %d stride %d", c.in, c.size, c.size, c.out, c.stride)
		x, w := tensor.Shape{128, c.in, c.size, c.size}, tensor.Shape{c.out, c.in, 3, 3}
		dy := tensor.Shape{128, c.out, c.size / c.stride, c.size / c.stride}
		attrs := conv3(c.stride)
		calls = append(calls,
			kernelCall{name: name, typ: "Conv", attrs: attrs, in: []tensor.Shape{x, w}},
			kernelCall{name: name + ", dx", domain: op.Internal, typ: "ConvGradInput", attrs: attrs.With("shape", []int(x)), in: []tensor.Shape{dy, w}},
			kernelCall{name: name + ", dw", domain: op.Internal, typ: "ConvGradWeight", attrs: attrs.With("shape", []int(w)), in: []tensor.Shape{dy, x}})
	}
	image := tensor.Shape{128, 16, 32, 32}
	channel := tensor.Shape{16}
	rows := tensor.Shape{4096, 512}
	return append(calls,
		kernelCall{name: "add", typ: "Add", in: []tensor.Shape{image, image}},
		kernelCall{name: "relu", typ: "Relu", in: []tensor.Shape{image}},
		kernelCall{name: "gelu", typ: "Gelu", in: []tensor.Shape{rows}},
		kernelCall{name: "batchnorm training", domain: op.Internal, typ: "BatchNormTraining", in: []tensor.Shape{image, channel, channel, channel, channel}, outs: 5},
		kernelCall{name: "batchnorm gradient", domain: op.Internal, typ: "BatchNormGrad", in: []tensor.Shape{image, image, channel, channel, channel}, outs: 3},
		kernelCall{name: "layernorm", typ: "LayerNormalization", in: []tensor.Shape{rows, {512}, {512}}, outs: 3},
		kernelCall{name: "softmax", typ: "Softmax", in: []tensor.Shape{rows}},
		kernelCall{name: "maxpool 2x2", typ: "MaxPool", attrs: graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2}), in: []tensor.Shape{image}},
		kernelCall{name: "transpose heads", typ: "Transpose", attrs: graph.MakeAttrs("perm", []int{0, 2, 1, 3}), in: []tensor.Shape{{128, 64, 4, 32}}},
	)
}

// Kernels times operators at the sizes of image and language models, runs times each after one to warm up.
func Kernels(ctx context.Context, pool *par.Pool, runs int) ([]Kernel, error) {
	var list []Kernel
	for _, c := range kernelCalls() {
		k, err := c.time(ctx, pool, runs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		list = append(list, k)
	}
	return list, nil
}

func (c kernelCall) time(ctx context.Context, pool *par.Pool, runs int) (Kernel, error) {
	g := graph.New(c.name)
	var in []*graph.Value
	for i, shape := range c.in {
		v := g.NewValue(fmt.Sprintf("in%d", i), graph.Input, graph.Type{DType: tensor.Float32, Shape: shape})
		g.Inputs = append(g.Inputs, v)
		in = append(in, v)
	}
	opset := op.EmitOpset
	if c.typ == "Gelu" {
		opset = 20
	}
	def, err := op.Resolve(c.domain, c.typ, opset)
	if err != nil {
		return Kernel{}, err
	}
	n := &graph.Node{Name: c.name, Op: def.ID(), Attrs: c.attrs, In: in}
	for range max(c.outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	if err := def.Infer(n); err != nil {
		return Kernel{}, err
	}
	g.Outputs = n.Out
	b, err := backend.Lookup("cpu")
	if err != nil {
		return Kernel{}, err
	}
	p, err := b.Compile(g, backend.Options{Pool: pool})
	if err != nil {
		return Kernel{}, err
	}
	defer p.Close()
	bytes := 0
	for i, v := range g.Inputs {
		t := p.Tensor(v)
		copy(t.F32(), op.Uniform(uint64(i+1), 0.1, 1, v.Type.Shape...).F32())
		bytes += len(t.Data)
	}
	for _, v := range n.Out {
		bytes += len(p.Tensor(v).Data)
	}
	var times []float64
	for i := range runs + 1 {
		start := time.Now()
		if err := p.Run(ctx); err != nil {
			return Kernel{}, err
		}
		if i > 0 {
			times = append(times, ms(time.Since(start)))
		}
	}
	k := Kernel{Name: c.name, Kernel: p.Kernel(n), MS: median(times)}
	k.GFLOPS, k.GBS = FLOPs(n)/(k.MS*1e6), float64(bytes)/(k.MS*1e6)
	return k, nil
}

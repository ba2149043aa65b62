package bench

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// kernelCall is an operator with inputs of the given shapes, of float32.
type kernelCall struct {
	name, domain, typ string
	attrs             graph.Attrs
	in                []tensor.Shape
	outs              int   // 0: one
	indices           int   // not 0: the last input is of int64, from 0 to below this
	wide              []int // inputs that are float32 when a step is in bf16, such as weights; those of one axis are anyway
	wideOut           bool  // and outputs, such as gradients of weights
}

// kernelCalls are at the sizes of image and language models.
func kernelCalls() []kernelCall {
	return slices.Concat(productCalls(), convCalls(), attentionCalls(), normCalls(), lossCalls(), poolCalls(), loopCalls())
}

func productCalls() []kernelCall {
	return []kernelCall{
		{name: "matmul 1024x1024x1024", typ: "MatMul", in: []tensor.Shape{{1024, 1024}, {1024, 1024}}},
		{name: "matmul 4096x128x512", typ: "MatMul", in: []tensor.Shape{{4096, 128}, {128, 512}}},
		{name: "linear 128x784x256", typ: "Gemm", attrs: graph.MakeAttrs("transB", 1), in: []tensor.Shape{{128, 784}, {256, 784}, {256}}, wide: []int{1}},
		{name: "attention scores 128x4 of 64x32x64", domain: op.Internal, typ: "FusedMatMul",
			attrs: graph.MakeAttrs("transA", 0, "transB", 1, "alpha", 0.125), in: []tensor.Shape{{128, 4, 64, 32}, {128, 4, 64, 32}}},
		{name: "lstm 64 steps of 32x128 to 128", typ: "LSTM", attrs: graph.MakeAttrs("hidden_size", 128),
			in: []tensor.Shape{{64, 32, 128}, {1, 512, 128}, {1, 512, 128}}, wide: []int{1, 2}},
		{name: "gru 64 steps of 32x128 to 128", typ: "GRU", attrs: graph.MakeAttrs("hidden_size", 128),
			in: []tensor.Shape{{64, 32, 128}, {1, 384, 128}, {1, 384, 128}}, wide: []int{1, 2}},
	}
}

// convCalls are convolutions and their gradients of inputs and weights.
func convCalls() []kernelCall {
	var calls []kernelCall
	for _, c := range []struct{ batch, in, out, size, kernel, stride, group int }{
		{128, 3, 16, 32, 3, 1, 1}, {128, 16, 16, 32, 3, 1, 1}, {128, 16, 32, 32, 3, 2, 1}, {128, 32, 32, 16, 3, 1, 1}, {128, 64, 64, 8, 3, 1, 1},
		{16, 64, 64, 56, 3, 1, 1}, {16, 256, 256, 14, 3, 1, 1}, {16, 64, 256, 56, 1, 1, 1}, {16, 96, 96, 56, 3, 1, 96},
	} {
		name := fmt.Sprintf("conv %dx%d %dx%dx%dx%d to %d", c.kernel, c.kernel, c.batch, c.in, c.size, c.size, c.out)
		if c.stride > 1 {
			name += fmt.Sprintf(" stride %d", c.stride)
		}
		if c.group > 1 {
			name += fmt.Sprintf(" group %d", c.group)
		}
		x, w := tensor.Shape{c.batch, c.in, c.size, c.size}, tensor.Shape{c.out, c.in / c.group, c.kernel, c.kernel}
		dy, pad := tensor.Shape{c.batch, c.out, c.size / c.stride, c.size / c.stride}, c.kernel/2
		attrs := graph.MakeAttrs("kernel_shape", []int{c.kernel, c.kernel}, "pads", []int{pad, pad, pad, pad},
			"strides", []int{c.stride, c.stride}, "dilations", []int{1, 1}, "group", c.group)
		calls = append(calls,
			kernelCall{name: name, typ: "Conv", attrs: attrs, in: []tensor.Shape{x, w}, wide: []int{1}},
			kernelCall{name: name + ", dx", domain: op.Internal, typ: "ConvGradInput", attrs: attrs.With("shape", []int(x)), in: []tensor.Shape{dy, w}, wide: []int{1}},
			kernelCall{name: name + ", dw", domain: op.Internal, typ: "ConvGradWeight", attrs: attrs.With("shape", []int(w)), in: []tensor.Shape{dy, x}, wideOut: true})
	}
	return calls
}

func attentionCalls() []kernelCall {
	qkv := tensor.Shape{16, 256, 6, 64}
	attrs := graph.MakeAttrs("scale", 0.125)
	return []kernelCall{
		{name: "attention 16x6 of 256x64", domain: op.Internal, typ: "FusedAttention", attrs: attrs, in: []tensor.Shape{qkv, qkv, qkv}},
		{name: "attention gradient 16x6 of 256x64", domain: op.Internal, typ: "FusedAttentionGrad", attrs: attrs, in: []tensor.Shape{qkv, qkv, qkv, qkv}, outs: 3},
	}
}

// Inputs of the loops over memory.
var (
	imageShape   = tensor.Shape{128, 16, 32, 32}
	channelShape = tensor.Shape{16}
	rowsShape    = tensor.Shape{4096, 512}
)

func normCalls() []kernelCall {
	image, channel, rows := imageShape, channelShape, rowsShape
	stats := tensor.Shape{4096, 1}
	return []kernelCall{
		{name: "batchnorm training", domain: op.Internal, typ: "BatchNormTraining", in: []tensor.Shape{image, channel, channel, channel, channel}, outs: 5},
		{name: "batchnorm gradient", domain: op.Internal, typ: "BatchNormGrad", in: []tensor.Shape{image, image, channel, channel, channel}, outs: 3},
		{name: "layernorm", typ: "LayerNormalization", in: []tensor.Shape{rows, {512}, {512}}, outs: 3},
		{name: "layernorm gradient", domain: op.Internal, typ: "LayerNormGrad", in: []tensor.Shape{rows, rows, {512}, stats, stats}, outs: 3, wide: []int{3, 4}},
	}
}

func lossCalls() []kernelCall {
	scores, labels := tensor.Shape{4096, 512}, tensor.Shape{4096}
	all := []int{0, 1} // scores stay float32
	return []kernelCall{
		{name: "softmax", typ: "Softmax", in: []tensor.Shape{rowsShape}},
		{name: "softmax gradient", domain: op.Internal, typ: "SoftmaxGrad", in: []tensor.Shape{rowsShape, rowsShape}},
		{name: "cross-entropy", typ: "SoftmaxCrossEntropyLoss", in: []tensor.Shape{scores, labels}, outs: 2, indices: 512, wide: all, wideOut: true},
		{name: "cross-entropy gradient", domain: op.Internal, typ: "SoftmaxCrossEntropyGrad", in: []tensor.Shape{{}, scores, labels}, indices: 512, wide: all, wideOut: true},
	}
}

func poolCalls() []kernelCall {
	attrs := graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2})
	half := tensor.Shape{128, 16, 16, 16}
	return []kernelCall{
		{name: "maxpool 2x2", typ: "MaxPool", attrs: attrs, in: []tensor.Shape{imageShape}},
		{name: "maxpool 2x2 gradient", domain: op.Internal, typ: "MaxPoolGrad", attrs: attrs, in: []tensor.Shape{half, imageShape}},
		{name: "averagepool 2x2", typ: "AveragePool", attrs: attrs, in: []tensor.Shape{imageShape}},
		{name: "global averagepool", typ: "GlobalAveragePool", in: []tensor.Shape{imageShape}},
	}
}

// loopCalls are elementwise operators, reductions and movements.
func loopCalls() []kernelCall {
	image, rows := imageShape, rowsShape
	return []kernelCall{
		{name: "add", typ: "Add", in: []tensor.Shape{image, image}},
		{name: "add a row", typ: "Add", in: []tensor.Shape{rows, {512}}},
		{name: "relu", typ: "Relu", in: []tensor.Shape{image}},
		{name: "relu gradient", domain: op.Internal, typ: "ReluGrad", in: []tensor.Shape{image, image}},
		{name: "gelu", typ: "Gelu", in: []tensor.Shape{rows}},
		{name: "gelu gradient", domain: op.Internal, typ: "GeluGrad", in: []tensor.Shape{rows, rows}},
		{name: "exp", typ: "Exp", in: []tensor.Shape{rows}},
		{name: "mean of rows", typ: "ReduceMean", attrs: graph.MakeAttrs("axes", []int{1}), in: []tensor.Shape{rows}},
		{name: "mean of columns", typ: "ReduceMean", attrs: graph.MakeAttrs("axes", []int{0}), in: []tensor.Shape{rows}},
		{name: "embedding", typ: "Gather", in: []tensor.Shape{{8192, 512}, {4096}}, indices: 8192, wide: []int{0}},
		{name: "transpose heads", typ: "Transpose", attrs: graph.MakeAttrs("perm", []int{0, 2, 1, 3}), in: []tensor.Shape{{128, 64, 4, 32}}},
	}
}

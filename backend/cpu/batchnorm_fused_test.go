package cpu

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// normCase is a shape of what a BatchNorm normalises and operands for it.
type normCase struct {
	name                                string
	x, dy, residual                     *tensor.Tensor
	scale, bias, mean, variance, invstd *tensor.Tensor
}

// normCases are planes that are larger than a block, planes that are worked on by groups of which the last one is smaller,
// and rows.
func normCases() []normCase {
	var list []normCase
	for _, shape := range [][]int{{2, 2, 73, 65}, {3, 50, 7, 5}, {9, 1100}} {
		c := shape[1]
		list = append(list, normCase{fmt.Sprint(shape), normal(1, shape...), normal(6, shape...), normal(7, shape...),
			op.Uniform(2, 0.5, 1.5, c), normal(3, c), normal(4, c), op.Uniform(5, 0.5, 2, c), op.Uniform(8, 0.5, 2, c)})
	}
	return list
}

var (
	reluAttrs = graph.MakeAttrs("activation", "relu")
	clipAttrs = graph.MakeAttrs("activation", "clip", "low", -0.25, "high", 0.75)
)

func (c normCase) forward(more ...*tensor.Tensor) []*tensor.Tensor {
	return append([]*tensor.Tensor{c.x, c.scale, c.bias, c.mean, c.variance}, more...)
}

func (c normCase) backward(more ...*tensor.Tensor) []*tensor.Tensor {
	return append([]*tensor.Tensor{c.dy, c.x, c.scale, c.mean, c.invstd}, more...)
}

func init() {
	for _, c := range normCases() {
		more(op.Internal, "BatchNormTraining", c.name, nil, c.forward()...).Outs = 5
		more(op.Internal, "FusedBatchNorm", c.name, reluAttrs, c.forward()...).Outs = 7
		more(op.Internal, "FusedBatchNorm", c.name+", clipped", clipAttrs, c.forward()...).Outs = 7
		more(op.Internal, "FusedBatchNorm", c.name+", sum", reluAttrs, c.forward(c.residual)...).Outs = 7
		more(op.Internal, "FusedBatchNorm", c.name+", sum alone", nil, c.forward(c.residual)...).Outs = 5
		more(op.Internal, "BatchNormGrad", c.name, nil, c.backward()...).Outs = 3
		more(op.Internal, "FusedBatchNormGrad", c.name, reluAttrs, c.backward(c.scale, c.bias)...).Outs = 3
		more(op.Internal, "FusedBatchNormGrad", c.name+", clipped", clipAttrs, c.backward(c.scale, c.bias)...).Outs = 3
		more(op.Internal, "FusedBatchNormGrad", c.name+", with what arrives", reluAttrs, c.backward(c.scale, c.bias)...).Outs = 4
		more(op.Internal, "FusedBatchNormGrad", c.name+", sum", reluAttrs, c.backward(nil, nil, c.residual)...).Outs = 4
		more(op.Internal, "FusedBatchNormGrad", c.name+", sum of a constant", reluAttrs, c.backward(nil, nil, c.residual)...).Outs = 3
	}
}

// TestFusedBatchNormKeepsBits compares fused nodes with the nodes that they stand for, bit by bit and on every instruction
// set: training with BatchNorm is chaotic, so that a last bit decides what a user sees.
func TestFusedBatchNormKeepsBits(t *testing.T) {
	for _, c := range normCases() {
		for l := level.Generic; l <= level.Detected(); l++ {
			t.Run(fmt.Sprintf("%s/%v", c.name, l), func(t *testing.T) {
				defer level.Limit(l)()
				c.compare(t)
			})
		}
	}
}

func (c normCase) compare(t *testing.T) {
	plain := runNode(t, op.Internal, "BatchNormTraining", nil, 5, c.forward()...)
	sum := runNode(t, "", "Add", nil, 1, plain[0], c.residual)
	low, high := tensor.Scalar[float32](-0.25), tensor.Scalar[float32](0.75)
	relu, clip := runNode(t, "", "Relu", nil, 1, plain[0]), runNode(t, "", "Clip", nil, 1, plain[0], low, high)
	both := runNode(t, "", "Relu", nil, 1, sum[0])

	fused := runNode(t, op.Internal, "FusedBatchNorm", reluAttrs, 7, c.forward()...)
	sameBits(t, "rectified", fused[0], relu[0])
	for i := 1; i < 5; i++ {
		sameBits(t, fmt.Sprintf("output %d", i), fused[i], plain[i])
	}
	sameBits(t, "clipped", runNode(t, op.Internal, "FusedBatchNorm", clipAttrs, 1, c.forward()...)[0], clip[0])
	sameBits(t, "sum", runNode(t, op.Internal, "FusedBatchNorm", nil, 1, c.forward(c.residual)...)[0], sum[0])
	sameBits(t, "rectified sum", runNode(t, op.Internal, "FusedBatchNorm", reluAttrs, 1, c.forward(c.residual)...)[0], both[0])

	grad := func(dy *tensor.Tensor) []*tensor.Tensor {
		return runNode(t, op.Internal, "BatchNormGrad", nil, 3, dy, c.x, c.scale, plain[3], plain[4])
	}
	fusedGrad := func(attrs graph.Attrs, outs int, more ...*tensor.Tensor) []*tensor.Tensor {
		in := append([]*tensor.Tensor{c.dy, c.x, c.scale, plain[3], plain[4]}, more...)
		return runNode(t, op.Internal, "FusedBatchNormGrad", attrs, outs, in...)
	}
	g := runNode(t, op.Internal, "ReluGrad", nil, 1, c.dy, relu[0])[0]
	ofClip := runNode(t, op.Internal, "ClipGrad", nil, 1, c.dy, plain[0], low, high)[0]
	ofSum := runNode(t, op.Internal, "ReluGrad", nil, 1, c.dy, both[0])[0]
	for _, k := range []struct {
		name      string
		got, want []*tensor.Tensor
	}{
		{"rectified", fusedGrad(reluAttrs, 3, fused[5], fused[6]), grad(g)},
		{"clipped", fusedGrad(clipAttrs, 3, fused[5], fused[6]), grad(ofClip)},
		{"sum", fusedGrad(reluAttrs, 4, nil, nil, both[0]), append(grad(ofSum), ofSum)},
		{"sum of a constant", fusedGrad(reluAttrs, 3, nil, nil, both[0]), grad(ofSum)},
	} {
		for i, want := range k.want {
			sameBits(t, fmt.Sprintf("gradient %d, %s", i, k.name), k.got[i], want)
		}
	}
}

// runNode runs the best kernel of an operator.
func runNode(t *testing.T, domain, typ string, attrs graph.Attrs, outs int, in ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	def, err := op.Resolve(domain, typ, op.EmitOpset)
	if err != nil {
		t.Fatal(err)
	}
	n, err := call{def: def, Sample: op.Sample{Attrs: attrs, In: in, Outs: outs}}.node()
	if err != nil {
		t.Fatal(err)
	}
	out, err := Candidates(n)[0].call(n, in, 2, -1)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameBits(t *testing.T, what string, got, want *tensor.Tensor) {
	t.Helper()
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("%s: other bits than of separate nodes", what)
	}
}

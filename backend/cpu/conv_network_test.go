package cpu

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// residual is a small convolutional network with its gradients: an input block, a residual block with stride 2, pooling.
func residual(t *testing.T) *graph.Graph {
	t.Helper()
	g := graph.New("residual")
	build := func(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
		t.Helper()
		out, err := op.Build(g, nil, "", typ, attrs, 1, in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	var params []*graph.Value
	param := func(shape ...int) *graph.Value {
		w := g.NewValue(fmt.Sprintf("w%d", len(params)), graph.Param, graph.Type{DType: tensor.Float32, Shape: shape})
		w.Init = op.Uniform(uint64(10+len(params)), -0.3, 0.3, shape...)
		params = append(params, w)
		return w
	}
	conv := func(x *graph.Value, c, m, size, stride int) *graph.Value {
		pad := size / 2
		attrs := graph.MakeAttrs("pads", []int{pad, pad, pad, pad}, "strides", []int{stride, stride})
		return build("Conv", attrs, x, param(m, c, size, size), param(m))
	}
	x := g.NewValue("x", graph.Input, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{5, 3, 16, 16}})
	h := build("Relu", nil, conv(x, 3, 10, 3, 1))
	y := build("Relu", nil, conv(h, 10, 20, 3, 2))
	y = build("Add", nil, conv(y, 20, 20, 3, 1), conv(h, 10, 20, 1, 2))
	y = build("MaxPool", graph.MakeAttrs("kernel_shape", []int{2, 2}, "strides", []int{2, 2}), y)
	y = build("GlobalAveragePool", nil, conv(y, 20, 7, 3, 1))
	seed := g.NewValue("dy", graph.Input, y.Type)
	grads, err := autodiff.Gradient(g, y, seed, params)
	if err != nil {
		t.Fatal(err)
	}
	g.Outputs = append([]*graph.Value{y}, grads...)
	return g
}

// A network with its gradients gives the same bits with and without reuse of memory and for any number of threads, and on
// every instruction set what the reference gives.
func TestConvolutionalNetwork(t *testing.T) {
	reference := runNetwork(t, backend.Options{Reference: true})
	for l := level.Generic; l <= level.Detected(); l++ {
		t.Run(l.String(), func(t *testing.T) {
			defer level.Limit(l)()
			want := runNetwork(t, backend.Options{})
			for i := range want {
				if err := compare(want[i], reference[i], Tol{1e-3, 1e-4}); err != nil {
					t.Errorf("result %d: %v", i, err)
				}
			}
			for threads := 1; threads <= 3; threads++ {
				pool := par.New(threads)
				got := runNetwork(t, backend.Options{Pool: pool, NoReuse: threads == 1})
				pool.Close()
				for i := range want {
					if !bytes.Equal(got[i].Data, want[i].Data) {
						t.Errorf("result %d has other bits with %d threads", i, threads)
					}
				}
			}
		})
	}
}

func runNetwork(t *testing.T, o backend.Options) []*tensor.Tensor {
	t.Helper()
	g := residual(t)
	p, err := engine{}.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, v := range g.OfKind(graph.Input) {
		copy(p.Tensor(v).Data, op.Uniform(uint64(i+1), -1, 1, v.Type.Shape...).Data)
	}
	for range 2 {
		if err := p.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var out []*tensor.Tensor
	for _, v := range g.Outputs {
		out = append(out, p.Tensor(v).Clone())
	}
	return out
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// mapKernel is a kernel that applies f to chunks of the first input; f may be called with dst and x the same.
func mapKernel(name string, id graph.OpID, f func(dst, x []float32)) Kernel {
	return mapWith(name, id, func(*graph.Node) func(dst, x []float32) { return f })
}

// mapWith is a mapKernel whose function depends on the node's attributes.
func mapWith(name string, id graph.OpID, choose func(n *graph.Node) func(dst, x []float32)) Kernel {
	return Kernel{
		Name: name, Op: id, InPlace: []int{0}, When: allFloat32,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindMap(s.Pool, out[0].F32(), in[0].F32(), choose(n)), nil
		},
		loops: func(n *graph.Node) loops { return loops{one: choose(n)} },
	}
}

func bindMap(pool *par.Pool, y, x []float32, f func(dst, x []float32)) func() error {
	body := func(_, lo, hi int) { f(y[lo:hi], x[lo:hi]) }
	return func() error {
		pool.For(len(y), chunk, body)
		return nil
	}
}

// zipKernel is a kernel that applies f to chunks of the first two inputs, which have one shape; f may be called with
// dst the same as either.
func zipKernel(name string, id graph.OpID, f func(dst, a, b []float32)) Kernel {
	return zipWith(name, id, func(*graph.Node) func(dst, a, b []float32) { return f })
}

// zipWith is a zipKernel whose function depends on the node's attributes.
func zipWith(name string, id graph.OpID, choose func(n *graph.Node) func(dst, a, b []float32)) Kernel {
	return Kernel{
		Name: name, Op: id, InPlace: []int{0, 1}, When: allFloat32,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindZip(s.Pool, out[0].F32(), in[0].F32(), in[1].F32(), choose(n)), nil
		},
		loops: func(n *graph.Node) loops { return loops{two: binary{vv: choose(n)}} },
	}
}

func bindZip(pool *par.Pool, y, a, b []float32, f func(dst, a, b []float32)) func() error {
	body := func(_, lo, hi int) { f(y[lo:hi], a[lo:hi], b[lo:hi]) }
	return func() error {
		pool.For(len(y), chunk, body)
		return nil
	}
}

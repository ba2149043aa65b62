package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "gemm", Op: onnx("Gemm"), Tol: Tol{Abs: 2e-5, Rel: 2e-5},
		When: func(n *graph.Node) bool { return allFloat32(n) && n.Out[0].Type.Shape.Elems() > 0 },
		Scratch: func(n *graph.Node, threads int) int {
			call := gemmOf(n)
			return 4 * call.Work(threads)
		},
		Bind: bindGemm,
	})
}

func gemmOf(n *graph.Node) linalg.GemmCall {
	call := linalg.GemmCall{
		A:     lastMatrix(n.In[0].Type.Shape, n.Attrs.Bool("transA", false)),
		B:     lastMatrix(n.In[1].Type.Shape, n.Attrs.Bool("transB", false)),
		Alpha: float32(n.Attrs.Float("alpha", 1)),
	}
	call.C = linalg.RowMajor(nil, call.A.Rows, call.B.Cols)
	return call
}

func bindGemm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	call := gemmOf(n)
	call.A.Data, call.B.Data, call.C.Data = in[0].F32(), in[1].F32(), out[0].F32()
	work := floats(s.Mem)
	beta := float32(n.Attrs.Float("beta", 1))
	c := elements(in, 2)
	switch {
	case c == nil || beta == 0:
	case beta == 1 && len(c) == call.C.Cols && len(in[2].Shape) > 0 && in[2].Shape[len(in[2].Shape)-1] == call.C.Cols:
		call.Epilogue.ColBias = c
	default:
		return gemmOverC(&call, in[2], out[0], beta, s, work), nil
	}
	return func() error {
		call.Run(s.Pool, work)
		return nil
	}, nil
}

// gemmOverC spreads C over the result first and adds the product to it.
func gemmOverC(call *linalg.GemmCall, c, y *tensor.Tensor, beta float32, s Scratch, work []float32) func() error {
	call.Beta = beta
	src, dst := c.F32(), y.F32()
	strides := c.Shape.BroadcastStrides(y.Shape)
	cols := call.C.Cols
	spread := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range cols {
				dst[i*cols+j] = src[i*strides[0]+j*strides[1]]
			}
		}
	}
	return func() error {
		s.Pool.For(call.C.Rows, max(1, chunk/cols), spread)
		call.Run(s.Pool, work)
		return nil
	}
}

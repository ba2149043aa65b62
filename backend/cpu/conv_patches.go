package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "conv/patches", Op: onnx("Conv"),
		Tol:  Tol{Abs: 1e-4, Rel: 2e-5},
		When: convFits,
		Scratch: func(n *graph.Node, threads int) int {
			v, _ := conv2dOf(n)
			call := v.forward()
			return 4 * call.Work(threads)
		},
		Bind: bindConv,
	})
}

func convFits(n *graph.Node) bool {
	_, ok := conv2dOf(n)
	return ok && allFloat32(n) && nonEmpty(n) && n.Out[0].Type.Shape.Elems() > 0
}

// forward is the product of one group over all images, without its data: filters by filter elements times filter
// elements by pixels.
func (v *conv2d) forward() linalg.GemmCall {
	return linalg.GemmCall{
		A:     linalg.Mat{Rows: v.m, Cols: v.filter(), RowStride: v.filter(), ColStride: 1},
		B:     linalg.Mat{Rows: v.filter(), Cols: v.outPlane(), RowStride: v.inPlane(), ColStride: 1},
		C:     linalg.Mat{Rows: v.m, Cols: v.outPlane(), RowStride: v.outPlane(), ColStride: 1},
		Alpha: 1, Count: v.n,
		BBatch: linalg.Batch{Stride: v.g * v.c * v.inPlane()},
		CBatch: linalg.Batch{Stride: v.g * v.m * v.outPlane()},
	}
}

// convolve makes the products, one a group, of w [groups*m, c, kh, kw] with the patches of x.
func (v *conv2d) convolve(w, x, y, bias []float32) []linalg.GemmCall {
	_, width := linalg.Tile()
	var calls []linalg.GemmCall
	for group := range v.g {
		call := v.forward()
		call.A.Data = w[group*v.m*v.filter():]
		call.C.Data = y[group*v.m*v.outPlane():]
		if bias != nil {
			call.Epilogue.RowBias = bias[group*v.m:][:v.m]
		}
		from := x[group*v.c*v.inPlane():]
		if v.pointwise() {
			call.B.Data = from
		} else {
			stride := call.BBatch.Stride
			call.PackB = func(dst []float32, batch, k0, k1, i0, i1 int) {
				v.patches(dst, from[batch*stride:], width, k0, k1, i0, i1)
			}
		}
		calls = append(calls, call)
	}
	return calls
}

func bindConv(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	v, _ := conv2dOf(n)
	calls := v.convolve(in[1].F32(), in[0].F32(), out[0].F32(), elements(in, 2))
	work := floats(s.Mem)
	return func() error {
		for i := range calls {
			calls[i].Run(s.Pool, work)
		}
		return nil
	}, nil
}

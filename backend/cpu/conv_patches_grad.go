package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	id := graph.OpID{Domain: op.Internal, Type: "ConvGradInput"}
	Register(Kernel{
		Name: "conv_grad_input/patches", Op: id, Tol: Tol{Abs: 1e-4, Rel: 2e-5}, When: convFits,
		Scratch: func(n *graph.Node, threads int) int {
			v, _ := conv2dOf(n)
			return 4 * threads * (v.filter()*v.outPlane() + linalg.GemmWork(v.filter(), v.outPlane(), v.m, 1))
		},
		Bind: bindConvGradInput,
	})
}

// bindConvGradInput computes the gradient of all patches and adds them up, image by image.
func bindConvGradInput(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	v, _ := conv2dOf(n)
	dy, w, dx := in[0].F32(), in[1].F32(), out[0].F32()
	patches := v.filter() * v.outPlane()
	each := len(s.Mem) / 4 / s.Pool.Threads()
	room := floats(s.Mem)
	body := func(worker, lo, hi int) {
		mine := room[worker*each:][:each]
		for i := lo; i < hi; i++ { // an image's group
			g := i % v.g
			filters := linalg.RowMajor(w[g*v.m*v.filter():], v.m, v.filter())
			linalg.Gemm(nil, 1, filters.T(), linalg.RowMajor(dy[i*v.m*v.outPlane():], v.m, v.outPlane()),
				0, linalg.RowMajor(mine[:patches], v.filter(), v.outPlane()), mine[patches:])
			planes := dx[i*v.c*v.inPlane():][:v.c*v.inPlane()]
			clear(planes)
			v.addPatches(planes, mine[:patches])
		}
	}
	return func() error {
		s.Pool.For(v.n*v.g, 1, body)
		return nil
	}, nil
}

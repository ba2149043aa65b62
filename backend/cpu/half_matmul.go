package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// Matrix products with bf16 operands: what is float32, such as weights, is rounded while it is packed, sums are float32.
func init() {
	for _, k := range []struct {
		name string
		id   graph.OpID
		call func(n *graph.Node) linalg.GemmCall
	}{
		{"matmul/bf16", onnx("MatMul"), matmulOf},
		{"fused_matmul/bf16", graph.OpID{Domain: op.Internal, Type: "FusedMatMul"}, matmulOf},
		{"gemm/bf16", onnx("Gemm"), gemmOf},
	} {
		Register(Kernel{
			Name: k.name, Op: k.id, Rank: 1, Tol: halfTol, Half: hasHalf,
			When: func(n *graph.Node) bool { return hasHalf(n) && halfProduct(n) },
			Scratch: func(n *graph.Node, threads int) int {
				call := asHalf(k.call(n))
				return 4 * call.Work(threads)
			},
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				call := asHalf(k.call(n))
				setHalf(&call.A, in[0])
				setHalf(&call.B, in[1])
				setHalf(&call.C, out[0])
				call.Epilogue.ColBias = elements(in, 2)
				work := floats(s.Mem)
				return func() error {
					call.Run(s.Pool, work)
					return nil
				}, nil
			},
		})
	}
}

// halfProduct reports whether a product has operands and a bias that HalfCall takes.
func halfProduct(n *graph.Node) bool {
	out := n.Out[0].Type
	for _, v := range append(n.In[:2:2], n.Out[0]) {
		if dt := v.Type.DType; dt != tensor.Float32 && dt != tensor.BFloat16Type || len(v.Type.Shape) > maxRank {
			return false
		}
	}
	c := n.Input(2)
	if c == nil {
		return out.Shape.Elems() > 0
	}
	shape := c.Type.Shape
	last := out.Shape[len(out.Shape)-1]
	return out.Shape.Elems() > 0 && c.Type.DType == tensor.Float32 && n.Attrs.Float("beta", 1) == 1 &&
		len(shape) > 0 && shape.Elems() == last && shape[len(shape)-1] == last
}

func asHalf(c linalg.GemmCall) linalg.HalfCall {
	return linalg.HalfCall{A: c.A.Half(), B: c.B.Half(), C: c.C.Half(), Alpha: c.Alpha, Count: c.Count,
		ABatch: c.ABatch, BBatch: c.BBatch, CBatch: c.CBatch}
}

func setHalf(m *linalg.HalfMat, t *tensor.Tensor) {
	if t.DType == tensor.Float32 {
		m.F32 = t.F32()
	} else {
		m.BF16 = bf16(t)
	}
}

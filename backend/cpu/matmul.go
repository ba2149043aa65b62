package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	for name, id := range map[string]graph.OpID{
		"matmul": onnx("MatMul"), "fused_matmul": {Domain: op.Internal, Type: "FusedMatMul"},
	} {
		Register(Kernel{
			Name: name, Op: id, Tol: Tol{Abs: 2e-5, Rel: 2e-5},
			When: func(n *graph.Node) bool { return allFloat32(n) && n.Out[0].Type.Shape.Elems() > 0 },
			Scratch: func(n *graph.Node, threads int) int {
				call := matmulOf(n)
				return 4 * call.Work(threads)
			},
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				call := matmulOf(n)
				call.A.Data, call.B.Data, call.C.Data = in[0].F32(), in[1].F32(), out[0].F32()
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

// matmulOf is the product of a MatMul or FusedMatMul node without its data: numpy's rules, transposes as strides, and
// one product instead of many where the second operand serves all.
func matmulOf(n *graph.Node) linalg.GemmCall {
	a, b := n.In[0].Type.Shape, n.In[1].Type.Shape
	transA, transB := false, false
	call := linalg.GemmCall{Alpha: 1}
	if n.Op.Domain == op.Internal {
		transA, transB = n.Attrs.Bool("transA", false), n.Attrs.Bool("transB", false)
		call.Alpha = float32(n.Attrs.Float("alpha", 1))
	}
	if len(a) == 1 {
		a = tensor.Shape{1, a[0]}
	}
	if len(b) == 1 {
		b = tensor.Shape{b[0], 1}
	}
	aBatch, bBatch := a[:len(a)-2], b[:len(b)-2]
	call.A = lastMatrix(a, transA)
	call.B = lastMatrix(b, transB)
	batch, err := tensor.Broadcast(aBatch, bBatch)
	if err != nil {
		return call // refused by inference
	}
	call.Count = batch.Elems()
	if bBatch.Elems() == 1 && !transA {
		call.A.Rows *= call.Count
		call.Count = 1
	}
	call.C = linalg.RowMajor(nil, call.A.Rows, call.B.Cols)
	call.ABatch = batches(aBatch, batch, a[len(a)-2:].Elems())
	call.BBatch = batches(bBatch, batch, b[len(b)-2:].Elems())
	call.CBatch.Stride = call.C.Rows * call.C.Cols
	return call
}

func lastMatrix(s tensor.Shape, transposed bool) linalg.Mat {
	m := linalg.RowMajor(nil, s[len(s)-2], s[len(s)-1])
	if transposed {
		m = m.T()
	}
	return m
}

// batches places the matrices, of size elements, of an operand with batch axes own that is broadcast to whole.
func batches(own, whole tensor.Shape, size int) linalg.Batch {
	if own.Elems() == whole.Elems() {
		return linalg.Batch{Stride: size}
	}
	if own.Elems() == 1 {
		return linalg.Batch{}
	}
	strides := own.BroadcastStrides(whole)
	offsets := make([]int, whole.Elems())
	for i := range offsets {
		rest := i
		for d := len(whole) - 1; d >= 0; d-- {
			offsets[i] += rest % whole[d] * strides[d] * size
			rest /= whole[d]
		}
	}
	return linalg.Batch{Offsets: offsets}
}

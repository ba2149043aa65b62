package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, since := range []int{1, 9, 13} {
		op.Register(op.Def{
			Type: "MatMul", Since: since,
			Infer:   inferMatMul,
			Grad:    gradMatMul,
			Eval:    evalMatMul,
			Samples: func() []op.Sample { return matMulSamples(since) },
		})
	}
}

// multiplied is the set of element types that products of matrices take.
func multiplied(since int) types {
	if since < 9 {
		return floats
	}
	return floats | setOf(tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64)
}

func inferMatMul(n *graph.Node) error {
	if err := inputs(n, 2, 2); err != nil {
		return err
	}
	if err := sameType(n, multiplied(n.Op.Since), 0, 1); err != nil {
		return err
	}
	a, b := shapeOf(n, 0), shapeOf(n, 1)
	f, err := factorsOf(a, b, false, false)
	if err != nil {
		return err
	}
	shape := f.batch.Clone()
	if len(a) > 1 {
		shape = append(shape, f.m)
	}
	if len(b) > 1 {
		shape = append(shape, f.n)
	}
	return set(n, 0, typeOf(n, 0), shape)
}

func evalMatMul(_ *graph.Node, in, out []*tensor.Tensor) error {
	f, err := factorsOf(in[0].Shape, in[1].Shape, false, false)
	if err != nil {
		return err
	}
	if in[0].DType.IsInt() {
		c := make([]int64, out[0].Elems())
		multiply(&f, c, in[0].Int64s(), in[1].Int64s())
		out[0].SetInt64s(c)
		return nil
	}
	c := make([]float64, out[0].Elems())
	multiply(&f, c, in[0].Float64s(), in[1].Float64s())
	out[0].SetFloat64s(c)
	return nil
}

func gradMatMul(b *op.Backward) {
	x, y := b.In(0), b.In(1)
	f, err := factorsOf(x.Type.Shape, y.Type.Shape, false, false)
	if fails(b, err) {
		return
	}
	dy := b.Reshape(b.Grad(0), f.shape())
	da, db := f.gradient(b, b.Want(0), b.Want(1), dy, b.Reshape(x, f.a), b.Reshape(y, f.b), 1)
	setFactor(b, 0, da, f.a)
	setFactor(b, 1, db, f.b)
}

// setFactor makes v, the gradient of an operand seen as matrices of the given shape, that of the input.
func setFactor(b *op.Backward, i int, v *graph.Value, matrices tensor.Shape) {
	if v == nil || b.Err != nil {
		return
	}
	if v.Type.Shape.Elems() != matrices.Elems() {
		v = b.SumTo(v, matrices)
	}
	b.Set(i, b.Reshape(v, b.In(i).Type.Shape))
}

func matMulSamples(since int) []op.Sample {
	of := func(name string, a, b tensor.Shape) op.Sample {
		return op.Sample{Name: name, In: []*tensor.Tensor{op.Normalish(1, a...), op.Normalish(2, b...)}}
	}
	plain := op.Sample{Name: "matrices", In: []*tensor.Tensor{count(2, 3), count(3, 2)}, Want: one(floats32([]int{2, 2}, 10, 13, 28, 40))}
	integers := op.Sample{Name: "integers", In: []*tensor.Tensor{ints(1<<40, 3), ints(5, -1<<41)}, Want: one(tensor.Scalar[int64](5<<40 - 3<<41))}
	all := []op.Sample{
		plain,
		of("dense layer on a sequence", tensor.Shape{2, 3, 4}, tensor.Shape{4, 5}),
		of("batch of one", tensor.Shape{2, 3, 4}, tensor.Shape{1, 4, 5}),
		of("same batch", tensor.Shape{2, 2, 3, 4}, tensor.Shape{2, 2, 4, 2}),
		of("batches broadcast", tensor.Shape{3, 1, 2, 4}, tensor.Shape{2, 4, 3}),
		of("matrix by batch", tensor.Shape{2, 4}, tensor.Shape{3, 4, 2}),
		of("vector by matrix", tensor.Shape{4}, tensor.Shape{4, 3}),
		of("matrix by vector", tensor.Shape{3, 4}, tensor.Shape{4}),
		of("batch by vector", tensor.Shape{2, 3, 4}, tensor.Shape{4}),
		of("vectors", tensor.Shape{5}, tensor.Shape{5}),
		of("nothing to sum", tensor.Shape{2, 0}, tensor.Shape{0, 3}),
	}
	if since < 9 {
		return all
	}
	return append(all, integers)
}

package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// reductionOf says how a scatter operator joins an update with what is there: min and max came with opset 18, the
// others with 16.
func reductionOf(n *graph.Node) (string, error) {
	how := n.Attrs.String("reduction", "none")
	known := []string{"none", "add", "mul", "max", "min"}
	switch {
	case n.Op.Since < 16:
		known = known[:1]
	case n.Op.Since < 18:
		known = known[:3]
	}
	if !slices.Contains(known, how) {
		return "", fmt.Errorf("reduction %q is not one of %v, which version %d of the operator has", how, known, n.Op.Since)
	}
	if how != "none" && !numeric.has(typeOf(n, 0)) {
		return "", fmt.Errorf("reduction %q is not defined on %v", how, typeOf(n, 0))
	}
	return how, nil
}

// noGradient is the error of reductions whose gradient is not written.
func noGradient(reduction string) error {
	return fmt.Errorf("the gradient of reduction %q is not supported; none and add are", reduction)
}

// scatter joins the elements of updates, in order, with the elements of out that follow each of first, size at a time.
func scatter(out, updates *tensor.Tensor, first []int, size int, reduction string) {
	switch {
	case reduction == "none":
		bytes := size * out.DType.Size()
		for k, at := range first {
			copy(out.Data[at*out.DType.Size():][:bytes], updates.Data[k*bytes:])
		}
	case out.DType == tensor.Uint64:
		join(tensor.Slice[uint64](out), tensor.Slice[uint64](updates), first, size, reduction)
	case out.DType.IsInt():
		sums := out.Int64s()
		join(sums, updates.Int64s(), first, size, reduction)
		out.SetInt64s(sums)
	default:
		sums := out.Float64s()
		join(sums, updates.Float64s(), first, size, reduction)
		out.SetFloat64s(sums)
	}
}

func join[T float64 | int64 | uint64](out, updates []T, first []int, size int, reduction string) {
	f := map[string]func(a, b T) T{
		"add": func(a, b T) T { return a + b },
		"mul": func(a, b T) T { return a * b },
		"max": func(a, b T) T { return max(a, b) },
		"min": func(a, b T) T { return min(a, b) },
	}[reduction]
	for k, at := range first {
		for i, v := range updates[k*size:][:size] {
			out[at+i] = f(out[at+i], v)
		}
	}
}

// alongAxis says which element of a tensor of a shape each index addresses, where the other axes' indices are those
// of the index itself: what GatherElements reads and ScatterElements writes.
func alongAxis(index *tensor.Tensor, shape tensor.Shape, axis int) ([]int, error) {
	at, err := positions(index, shape[axis])
	if err != nil {
		return nil, err
	}
	strides := shape.Strides()
	step := strides[axis]
	strides[axis] = 0
	walk(index.Shape, func(i int, others []int) { at[i] = at[i]*step + others[0] }, strides)
	return at, nil
}

// fitsAlong checks the shape of indices along an axis of input 0.
func fitsAlong(n *graph.Node, axis int) error {
	shape, index := shapeOf(n, 0), shapeOf(n, 1)
	if len(index) != len(shape) {
		return fmt.Errorf("indices of shape %v do not have the rank of shape %v", index, shape)
	}
	for d := range shape {
		if d != axis && index[d] > shape[d] {
			return fmt.Errorf("indices of shape %v reach over shape %v in axis %d", index, shape, d)
		}
	}
	return nil
}

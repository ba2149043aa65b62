package train

import (
	"context"
	"math"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// checkIndependent makes sure of a model whose fixed batch size was rewritten: in inference form, two batches of the file's
// size must give together what each gives alone. Shapes can fit although examples are mixed up.
func (e *Engine) checkIndependent(ctx context.Context, d data.Dataset) error {
	n := e.first.FileBatch
	if n == 0 || d.Len() < 2*n {
		return nil
	}
	it := data.NewLoader(d, data.LoaderOptions{Batch: 2 * n}).Epoch(ctx, 0, 0)
	defer it.Close()
	batch, err := it.Next()
	if err != nil {
		return fail(BadData, err)
	}
	together, err := e.once(ctx, batch)
	if err != nil {
		return err
	}
	for half := range 2 {
		part := &data.Batch{Count: n}
		for _, t := range batch.Tensors {
			size := len(t.Data) / 2
			part.Tensors = append(part.Tensors, &tensor.Tensor{DType: t.DType, Shape: batched(n, t.Shape[1:]), Data: t.Data[half*size : (half+1)*size]})
		}
		alone, err := e.once(ctx, part)
		if err != nil {
			return err
		}
		if len(together) != 2*len(alone) || !near(together[half*len(alone):][:len(alone)], alone) {
			return failf(BadModel, "%s fixes the batch size to %d, and with shapes rewritten for larger ones the examples of a batch change "+
				"each other's outputs; export the model with a dynamic batch axis, or use --batch %d", e.Model.Path, n, n)
		}
	}
	return nil
}

// once runs a batch in inference form through a program that is dropped again, and returns the output.
func (e *Engine) once(ctx context.Context, b *data.Batch) ([]float64, error) {
	types := typesOf(b)
	p, err := e.compile(types, false)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if err := p.Run(ctx, b.Tensors, 0, 0); err != nil {
		return nil, err
	}
	return p.Output().Float64s(), nil
}

// near reports whether two outputs agree within what kernels for other batch sizes may differ in float32.
func near(a, b []float64) bool {
	largest := 0.0
	for _, x := range b {
		largest = math.Max(largest, math.Abs(x))
	}
	for i, x := range a {
		if !(math.Abs(x-b[i]) <= 1e-3*largest) && !(math.IsNaN(x) && math.IsNaN(b[i])) && x != b[i] {
			return false
		}
	}
	return true
}

package pass

import (
	"errors"
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
)

// ErrNoParameter is returned when there is nothing to train.
var ErrNoParameter = errors.New("no parameter reaches the loss; nothing can be trained")

// gradient adds the gradients of the loss with respect to the parameters.
func gradient(b *Built, o *Options) error {
	if !o.Training || b.Loss == nil {
		return nil
	}
	if len(b.Params) == 0 {
		return ErrNoParameter
	}
	grads, err := autodiff.Gradient(b.Graph, b.Loss, nil, b.Params)
	if err != nil {
		return err
	}
	for i, v := range b.Params {
		if grads[i] == nil {
			return fmt.Errorf("parameter %q has no gradient", v.Name)
		}
	}
	b.Grads = grads
	return nil
}

// clean folds what became constant, computes equal nodes once, and drops what nobody reads.
func clean(b *Built, _ *Options) error {
	if err := b.folding().graph(b.Graph); err != nil {
		return err
	}
	roots := append([]*graph.Value{b.Loss, b.Output}, b.Grads...)
	merged := mergeEqual(b.Graph)
	for i, v := range b.Grads {
		if m := merged[v]; m != nil {
			b.Grads[i], roots[i+2] = m, m
		}
	}
	if m := merged[b.Loss]; m != nil {
		b.Loss, roots[0] = m, m
	}
	if m := merged[b.Output]; m != nil {
		b.Output, roots[1] = m, m
	}
	dropUnread(b.Graph, roots)
	return nil
}

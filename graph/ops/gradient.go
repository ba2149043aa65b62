package ops

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// fails ends a gradient rule with an error, if there is one.
func fails(b *op.Backward, err error) bool {
	if err != nil && b.Err == nil {
		b.Err = graph.At(b.Node, err)
	}
	return b.Err != nil
}

// zeros are zeros of the type of v.
func zeros(b *op.Backward, v *graph.Value) *graph.Value { return filled(b, v, 0, v.Type.Shape...) }

package bench

import (
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// lent is parameters and gradients in the memory of an optimizer that is a program, as training has them: parameters for good,
// gradients as a copy for every step.
type lent struct {
	joint         registry.Joint
	values, grads []*tensor.Tensor
}

func lend(joint registry.Joint, values []*tensor.Tensor) (*lent, error) {
	l := &lent{joint: joint}
	for _, v := range values {
		value, err := joint.Alloc(v.DType, v.Shape)
		if err != nil {
			l.free()
			return nil, err
		}
		copy(value.Data, v.Data)
		l.values = append(l.values, value)
		grad, err := joint.Alloc(v.DType, v.Shape)
		if err != nil {
			l.free()
			return nil, err
		}
		l.grads = append(l.grads, grad)
	}
	return l, nil
}

const copyGrain = 1 << 16 // bytes

func (l *lent) gradients(pool *par.Pool, of []*tensor.Tensor) []*tensor.Tensor {
	for i, g := range of {
		pool.For(len(g.Data), copyGrain, func(_, lo, hi int) { copy(l.grads[i].Data[lo:hi], g.Data[lo:hi]) })
	}
	return l.grads
}

func (l *lent) free() {
	l.joint.Free(l.values...)
	l.joint.Free(l.grads...)
}

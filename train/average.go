package train

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// average is the exponential moving average of weights and running statistics that --ema asks for.
type average struct {
	decay    float64
	of, mean []*tensor.Tensor
}

// averageWeights starts an average at the weights as they are. Its tensors are among the optimizer's slots.
func (o *optimizer) averageWeights(decay float64, e *Engine) error {
	if decay == 0 {
		return nil
	}
	if o.HasEvalWeights() {
		return fmt.Errorf("--ema: optimizer %s averages the weights itself; leave --ema out", o.Entry.Name)
	}
	o.average = &average{decay: decay}
	for _, w := range e.weights() {
		if w.Tensor.DType != tensor.Float32 && w.Tensor.DType != tensor.Float64 {
			continue
		}
		mean := w.Tensor.Clone()
		o.average.of, o.average.mean = append(o.average.of, w.Tensor), append(o.average.mean, mean)
		o.Slots = append(o.Slots, registry.NamedSlot{Name: w.Name + "/weights.ema", Tensor: mean})
	}
	return nil
}

// add takes up the weights after a step: mean ← d·mean + (1-d)·weights, with d = min(decay, (1+step)/(10+step)), by which
// an early average forgets where it started.
func (a *average) add(pool *par.Pool, step int) {
	t := float64(step)
	decay := min(a.decay, (1+t)/(10+t))
	for i, mean := range a.mean {
		w := a.of[i]
		pool.For(mean.Elems(), gradChunk, func(_, lo, hi int) {
			scale(mean, mean, lo, hi, decay)
			axpy(mean, w, lo, hi, 1-decay)
		})
	}
}

func (a *average) bytes() int64 {
	n := int64(0)
	if a != nil {
		for _, mean := range a.mean {
			n += int64(len(mean.Data))
		}
	}
	return n
}

// withEvalWeights runs fn while the engine holds the weights to evaluate and to keep: the average of --ema, or those of an
// optimizer that has its own, and otherwise those in training.
func (t *Trainer) withEvalWeights(fn func() error) error {
	switch {
	case t.opt.average != nil:
		a := t.opt.average
		swapAll(a.of, a.mean)
		defer swapAll(a.of, a.mean)
	case t.opt.HasEvalWeights():
		if t.eval == nil {
			for _, v := range t.Engine.Values {
				t.eval = append(t.eval, v.Clone())
			}
		}
		if err := t.opt.EvalWeights(t.eval, t.Engine.Values); err != nil {
			return fail(Internal, err)
		}
		swapAll(t.Engine.Values, t.eval)
		defer swapAll(t.Engine.Values, t.eval)
	}
	return fn()
}

// swapAll exchanges contents: programs hold on to the tensors.
func swapAll(a, b []*tensor.Tensor) {
	for i := range a {
		x, y := a[i].Data, b[i].Data
		for j, v := range x {
			x[j], y[j] = y[j], v
		}
	}
}

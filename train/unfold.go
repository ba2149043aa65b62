package train

import (
	"context"
	"maps"
	"math"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// calibrationExamples is how many examples the statistics of unfolded BatchNormalization are taken from.
const calibrationExamples = 1024

// calibrate makes the statistics of unfolded BatchNormalization those of the data, in inference form, and its scale and
// shift such that the function stays the same: so training starts from the model as it is, where the statistics of a batch
// would change what a scale of 1 gives.
func (e *Engine) calibrate(ctx context.Context, d data.Dataset, batch int) error {
	layers := e.first.Unfolded
	if len(layers) == 0 {
		return nil
	}
	stats := make([]channelStats, len(layers))
	it := data.NewLoader(d, data.LoaderOptions{Batch: batch}).Epoch(ctx, 0, 0)
	defer it.Close()
	var p *Program
	for seen := 0; seen < calibrationExamples; {
		b, err := it.Next()
		if err != nil {
			return fail(BadData, err)
		}
		if b == nil || p != nil && b.Count != batch { // a short last batch adds little
			break
		}
		if p == nil {
			if p, err = e.compileKeeping(typesOf(b), false, unfoldedInputs); err != nil {
				return err
			}
			defer p.Close()
		}
		if err := p.Run(ctx, b.Tensors, 0, 0); err != nil {
			return err
		}
		for i, u := range p.Built.Unfolded {
			stats[i].add(p.Tensor(u.Input))
		}
		seen += b.Count
		b.Release()
	}
	for i, u := range layers {
		stats[i].set(e, u)
	}
	return nil
}

func unfoldedInputs(b *pass.Built) []*graph.Value {
	var vs []*graph.Value
	for _, u := range b.Unfolded {
		vs = append(vs, u.Input)
	}
	return vs
}

// channelStats are running mean and sum of squared distances from it, by channel.
type channelStats struct {
	count    float64
	mean, m2 []float64
}

// add merges the statistics of x, with the channels on axis 1 (Chan, Golub, LeVeque 1979).
func (s *channelStats) add(x *tensor.Tensor) {
	channels, inner := x.Shape[1], x.Shape[2:].Elems()
	if s.mean == nil {
		s.mean, s.m2 = make([]float64, channels), make([]float64, channels)
	}
	v := x.Float64s()
	n := float64(x.Shape[0] * inner)
	for c := range channels {
		mean, m2 := 0.0, 0.0
		for i := range x.Shape[0] {
			for _, y := range v[(i*channels+c)*inner:][:inner] {
				mean += y / n
			}
		}
		for i := range x.Shape[0] {
			for _, y := range v[(i*channels+c)*inner:][:inner] {
				m2 += (y - mean) * (y - mean)
			}
		}
		d := mean - s.mean[c]
		s.mean[c] += d * n / (s.count + n)
		s.m2[c] += m2 + d*d*s.count*n/(s.count+n)
	}
	s.count += n
}

func (s *channelStats) set(e *Engine, u pass.Unfolded) {
	scale, shift := make([]float64, len(s.mean)), e.value(u.Shift).Float64s()
	variance := make([]float64, len(s.mean))
	for c, m2 := range s.m2 {
		variance[c] = m2 / s.count
		scale[c] = math.Sqrt(variance[c] + u.Epsilon)
		shift[c] += s.mean[c]
	}
	e.value(u.Scale).SetFloat64s(scale)
	e.value(u.Shift).SetFloat64s(shift)
	e.value(u.Mean).SetFloat64s(s.mean)
	e.value(u.Var).SetFloat64s(variance)
}

// value is the memory of a parameter or state.
func (e *Engine) value(v *graph.Value) *tensor.Tensor { return e.memory[v.Name] }

// FileWeights are the parameters and states under the names and in the form of the file: unfolded BatchNormalization is
// folded back into its convolutions. The tensors may be the engine's own.
func (e *Engine) FileWeights() map[string]*tensor.Tensor {
	w := maps.Clone(e.memory)
	for _, u := range e.first.Unfolded {
		for _, v := range []*graph.Value{u.Scale, u.Mean, u.Var} {
			delete(w, v.Name)
		}
		w[u.Weight.Name], w[u.Shift.Name] = e.folded(u)
	}
	return w
}

// folded are the weight and the bias of a convolution with its BatchNormalization.
func (e *Engine) folded(u pass.Unfolded) (weight, bias *tensor.Tensor) {
	weight, bias = e.value(u.Weight).Clone(), e.value(u.Shift).Clone()
	x, b := weight.Float64s(), bias.Float64s()
	scale, mean, variance := e.value(u.Scale).Float64s(), e.value(u.Mean).Float64s(), e.value(u.Var).Float64s()
	inner := weight.Shape[1:].Elems()
	for c := range b {
		s := scale[c] / math.Sqrt(variance[c]+u.Epsilon)
		for i := range inner {
			x[c*inner+i] *= s
		}
		b[c] -= mean[c] * s
	}
	weight.SetFloat64s(x)
	bias.SetFloat64s(b)
	return weight, bias
}

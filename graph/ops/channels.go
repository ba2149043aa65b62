package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// channelLines are the planes of a tensor [N, C, …] by channel: vector c of batch*plane elements is channel c. A tensor
// of rank 1 has one channel.
type channelLines struct{ batch, count, plane int }

func channelsOf(shape tensor.Shape) channelLines {
	if len(shape) == 1 {
		return channelLines{shape[0], 1, 1}
	}
	return channelLines{shape[0], shape[1], shape[2:].Elems()}
}

// each calls fn with the elements of channel c, by index, in order.
func (l channelLines) each(c int, fn func(i int)) {
	for b := range l.batch {
		first := (b*l.count + c) * l.plane
		for i := first; i < first+l.plane; i++ {
			fn(i)
		}
	}
}

// of copies channel c of x out.
func (l channelLines) of(x []float64, c int) []float64 {
	v := make([]float64, 0, l.batch*l.plane)
	l.each(c, func(i int) { v = append(v, x[i]) })
	return v
}

// moments are the mean and the population's variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(x))
}

// perChannel checks the listed inputs to hold a number for each channel of input x.
func perChannel(n *graph.Node, x int, list ...int) error {
	count := channelsOf(shapeOf(n, x)).count
	for _, i := range list {
		if err := allow(n, i, floats); err != nil {
			return err
		}
		if v := n.In[i]; !v.Type.Shape.Equal(tensor.Shape{count}) {
			return fmt.Errorf("input %d, %q, has shape %v for %d channels", i, v.Name, v.Type.Shape, count)
		}
	}
	return nil
}

// column views v, a number for each channel, so that it broadcasts to tensors [N, C, …] of a rank.
func column(b *op.Backward, v *graph.Value, rank int) *graph.Value {
	if b.Err != nil {
		return nil
	}
	shape := make(tensor.Shape, max(rank-1, 1))
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = v.Type.Shape.Elems()
	return b.Reshape(v, shape)
}

// toChannels sums v, of shape [N, C, …], to a number for each channel.
func toChannels(b *op.Backward, v *graph.Value) *graph.Value {
	if b.Err != nil {
		return nil
	}
	shape := make(tensor.Shape, max(len(v.Type.Shape)-1, 1))
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = channelsOf(v.Type.Shape).count
	return b.Reshape(b.SumTo(v, shape), shape[:1])
}

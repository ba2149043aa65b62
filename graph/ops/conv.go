package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "Conv",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1, 2); err != nil {
				return err
			}
			g, err := ConvGeometry(n)
			if err != nil {
				return err
			}
			if err := channelBias(n, g.OutChannels); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), g.outShape())
		},
		Grad: gradConv,
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := ConvGeometry(n)
			if err != nil {
				return err
			}
			y := make([]float64, out[0].Elems())
			if n.Input(2) != nil {
				addChannels(y, in[2].Float64s(), g.Batch)
			}
			g.convolve(y, in[0].Float64s(), in[1].Float64s())
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: convSamples,
	}, 1, 11, 22)
}

// channelBias checks input 2, if present, to be a number for each channel.
func channelBias(n *graph.Node, channels int) error {
	if v := n.Input(2); v != nil && !v.Type.Shape.Equal(tensor.Shape{channels}) {
		return fmt.Errorf("bias %q has shape %v for %d channels", v.Name, v.Type.Shape, channels)
	}
	return nil
}

// addChannels adds a number to all of each channel of each image.
func addChannels(y, bias []float64, batch int) {
	plane := len(y) / max(batch*len(bias), 1)
	for i := range y {
		y[i] += bias[i/plane%len(bias)]
	}
}

func gradConv(b *op.Backward) {
	g, err := ConvGeometry(b.Node)
	if fails(b, err) {
		return
	}
	if b.Want(0) {
		b.Set(0, convGradInput(b, &g, b.Grad(0), b.In(1)))
	}
	if b.Want(1) {
		b.Set(1, convGradWeight(b, &g, b.Grad(0), b.In(0)))
	}
	gradChannelBias(b, g.OutChannels)
}

// gradChannelBias sets the gradient of input 2, which is added to each of the channels.
func gradChannelBias(b *op.Backward, channels int) {
	if !b.Want(2) || b.Err != nil {
		return
	}
	column := make(tensor.Shape, len(b.Grad(0).Type.Shape)-1)
	for i := range column {
		column[i] = 1
	}
	column[0] = channels
	b.Set(2, b.Reshape(b.SumTo(b.Grad(0), column), tensor.Shape{channels}))
}

func convGradInput(b *op.Backward, g *Geometry, dy, w *graph.Value) *graph.Value {
	return b.Internal("ConvGradInput", g.convAttrs().With("shape", []int(g.inShape())), dy, w)
}

func convGradWeight(b *op.Backward, g *Geometry, dy, x *graph.Value) *graph.Value {
	shape := append([]int{g.OutChannels, g.InChannels / g.Group}, g.Kernel...)
	return b.Internal("ConvGradWeight", g.convAttrs().With("shape", shape), dy, x)
}

// convolved emits the convolution of x with w. It may find more windows than g has, of which the first are taken.
func convolved(b *op.Backward, g *Geometry, x, w *graph.Value) *graph.Value {
	y := b.OpAttrs("Conv", g.convAttrs(), x, w)
	for d, size := range g.Out {
		y = cut(b, y, 2+d, 0, size)
	}
	return y
}

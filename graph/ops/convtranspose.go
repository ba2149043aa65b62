package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "ConvTranspose",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 2, 3); err != nil {
				return err
			}
			if err := sameType(n, floats, 0, 1, 2); err != nil {
				return err
			}
			g, err := ConvTransposeGeometry(n)
			if err != nil {
				return err
			}
			if err := channelBias(n, g.InChannels); err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), g.inShape())
		},
		Grad: func(b *op.Backward) {
			g, err := ConvTransposeGeometry(b.Node)
			if fails(b, err) {
				return
			}
			if b.Want(0) {
				b.Set(0, convolved(b, &g, b.Grad(0), b.In(1)))
			}
			if b.Want(1) {
				b.Set(1, convGradWeight(b, &g, b.In(0), b.Grad(0)))
			}
			gradChannelBias(b, g.InChannels)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			g, err := ConvTransposeGeometry(n)
			if err != nil {
				return err
			}
			y := make([]float64, out[0].Elems())
			if n.Input(2) != nil {
				addChannels(y, in[2].Float64s(), g.Batch)
			}
			g.gradInput(y, in[0].Float64s(), in[1].Float64s())
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: convTransposeSamples,
	}, 1, 11, 22)
}

// ConvTransposeGeometry is the geometry of the convolution of which a ConvTranspose node is the gradient with respect
// to the input: that convolution's input is the node's output.
func ConvTransposeGeometry(n *graph.Node) (Geometry, error) {
	x, w := shapeOf(n, 0), shapeOf(n, 1)
	if len(x) < 3 || len(w) != len(x) {
		return Geometry{}, fmt.Errorf("an input of shape %v and weights of shape %v", x, w)
	}
	g := Geometry{Batch: x[0], OutChannels: x[1], Group: n.Attrs.Int("group", 1), Out: x[2:].Clone(), In: x[2:].Clone()}
	if g.Group < 1 || w[0] != x[1] || x[1]%g.Group != 0 {
		return g, fmt.Errorf("an input of shape %v and weights of shape %v do not make %d groups", x, w, g.Group)
	}
	g.InChannels = w[1] * g.Group
	if err := g.windows(n, w[2:].Clone()); err != nil {
		return g, err
	}
	return g, g.spread(n)
}

// spread computes the size of what the windows cover, which is In, and the padding that a given size asks for.
func (g *Geometry) spread(n *graph.Node) error {
	dims := g.Dims()
	extra := n.Attrs.Ints("output_padding")
	if extra == nil {
		extra = make([]int, dims)
	}
	size := n.Attrs.Ints("output_shape")
	if len(size) == dims+2 {
		size = size[2:]
	}
	if len(extra) != dims || size != nil && len(size) != dims {
		return fmt.Errorf("attributes output_padding %v and output_shape %v for %d spatial axes", extra, size, dims)
	}
	auto := n.Attrs.String("auto_pad", "NOTSET")
	for d, count := range g.Out {
		if extra[d] < 0 || extra[d] > 1<<31 {
			return fmt.Errorf("attribute output_padding is %v", extra)
		}
		full := (count-1)*g.Strides[d] + g.extent(d) + extra[d]
		switch {
		case size != nil:
			g.In[d] = size[d]
			g.pad(d, full-size[d], auto)
		case auto == "SAME_UPPER", auto == "SAME_LOWER":
			g.In[d] = count * g.Strides[d]
			g.pad(d, full-g.In[d], auto)
		case auto == "VALID":
			g.Begin[d], g.End[d] = 0, 0
			g.In[d] = full
		case auto == "NOTSET", auto == "":
			g.In[d] = full - g.Begin[d] - g.End[d]
		default:
			return fmt.Errorf("attribute auto_pad is %q; NOTSET, VALID, SAME_UPPER and SAME_LOWER are known", auto)
		}
		if g.In[d] < 1 {
			return fmt.Errorf("the output's axis %d would have size %d", d+2, g.In[d])
		}
	}
	return nil
}

// pad shares out the padding of axis d: the odd element goes to the end for SAME_UPPER, else to the begin.
func (g *Geometry) pad(d, total int, auto string) {
	total = max(total, 0)
	g.Begin[d], g.End[d] = total-total/2, total/2
	if auto == "SAME_UPPER" {
		g.Begin[d], g.End[d] = g.End[d], g.Begin[d]
	}
}

func convTransposeSamples() []op.Sample {
	of := func(name string, attrs graph.Attrs, x, w tensor.Shape, bias int) op.Sample {
		s := op.Sample{Name: name, Attrs: attrs, In: []*tensor.Tensor{op.Normalish(1, x...), op.Normalish(2, w...)}}
		if bias > 0 {
			s.In = append(s.In, op.Normalish(3, bias))
		}
		return s
	}
	s := func(dims ...int) tensor.Shape { return dims }
	return []op.Sample{
		{Name: "values", Attrs: graph.MakeAttrs("strides", []int{2, 1}, "pads", []int{0, 1, 1, 0}, "output_padding", []int{1, 0}),
			In:   []*tensor.Tensor{count(1, 1, 2, 2), count(1, 2, 2, 2), floats32([]int{2}, 1, -1)},
			Want: one(floats32([]int{1, 2, 4, 2}, 1, 2, 3, 4, 3, 4, 13, 10, 3, 4, 5, 6, 21, 14, 31, 20))},
		of("plain", nil, s(2, 3, 4, 4), s(3, 2, 3, 3), 2),
		of("stride 2", graph.MakeAttrs("strides", []int{2, 2}, "pads", []int{1, 1, 1, 1}, "output_padding", []int{1, 1}), s(1, 2, 3, 4), s(2, 3, 3, 3), 3),
		of("groups", graph.MakeAttrs("group", 2), s(1, 4, 3, 3), s(4, 2, 2, 2), 4),
		of("dilations", graph.MakeAttrs("dilations", []int{2, 1}, "strides", []int{1, 2}), s(1, 2, 3, 3), s(2, 1, 2, 2), 0),
		of("output shape", graph.MakeAttrs("output_shape", []int{6, 7}, "strides", []int{2, 3}), s(1, 1, 3, 3), s(1, 2, 3, 3), 0),
		of("larger output shape", graph.MakeAttrs("output_shape", []int{10, 8}, "strides", []int{3, 2}), s(1, 1, 3, 3), s(1, 2, 3, 3), 0),
		of("same upper", graph.MakeAttrs("auto_pad", "SAME_UPPER", "strides", []int{2, 1}), s(1, 1, 3, 3), s(1, 2, 3, 2), 0),
		of("same lower", graph.MakeAttrs("auto_pad", "SAME_LOWER", "strides", []int{2, 1}), s(1, 1, 3, 3), s(1, 2, 3, 2), 0),
		of("1d", graph.MakeAttrs("strides", []int{2}), s(2, 2, 4), s(2, 3, 3), 3),
		of("3d", graph.MakeAttrs("pads", []int{1, 0, 0, 1, 0, 0}), s(1, 2, 3, 2, 2), s(2, 1, 2, 3, 2), 0),
	}
}

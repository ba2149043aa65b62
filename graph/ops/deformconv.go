package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "DeformConv",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 3, 5); err != nil {
				return err
			}
			d, err := deformedOf(n)
			if err != nil {
				return err
			}
			return set(n, 0, typeOf(n, 0), d.outShape())
		},
		Grad: func(b *op.Backward) {
			d, err := deformedOf(b.Node)
			if fails(b, err) {
				return
			}
			out := b.Emit(op.Internal, "DeformConvGrad", b.Node.Attrs, 4, b.In(0), b.In(1), b.In(2), nil, b.In(4), b.Grad(0))
			for k, i := range []int{0, 1, 2, 4} {
				if b.Want(i) {
					b.Set(i, out[k])
				}
			}
			if b.Want(3) && b.Err == nil {
				channels := d.OutChannels
				b.Set(3, b.Reshape(b.SumTo(b.Grad(0), tensor.Shape{channels, 1, 1}), tensor.Shape{channels}))
			}
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			d, err := deformedOf(n)
			if err != nil {
				return err
			}
			y := make([]float64, out[0].Elems())
			if bias := at(in, 3); bias != nil {
				addChannels(y, bias.Float64s(), d.Batch)
			}
			x, w := in[0].Float64s(), in[1].Float64s()
			mask := d.maskOf(at(in, 4))
			d.sweep(in[2].Float64s(), func(s *deformedTap) {
				v := mask[s.mask] * s.sample(x)
				d.filters(s, func(o, filter int) { y[o] += w[filter] * v })
			})
			out[0].SetFloat64s(y)
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, attrs graph.Attrs, group, offsetGroup int, mask bool) op.Sample {
				s := op.Sample{Name: name, Attrs: attrs.With("group", group).With("offset_group", offsetGroup), In: []*tensor.Tensor{
					op.Normalish(1, 2, 4, 4, 5), op.Normalish(2, 2, 4/group, 2, 2), op.Uniform(3, -0.9, 0.9, 2, 8*offsetGroup, 3, 4), op.Normalish(4, 2)}}
				if mask {
					s.In = append(s.In, op.Normalish(5, 2, 4*offsetGroup, 3, 4))
				}
				return s
			}
			ones := floats32([]int{1, 1, 2, 2}, 1, 1, 1, 1)
			offset := tensor.New(tensor.Float32, 1, 8, 2, 2)
			offset.F32()[0], offset.F32()[5] = 0.5, -0.1
			return []op.Sample{
				{Name: "values", NoGrad: true, In: []*tensor.Tensor{count(1, 1, 3, 3), ones, offset}, Want: one(floats32([]int{1, 1, 2, 2}, 9.5, 11.9, 20, 24))},
				of("plain", nil, 1, 1, false), of("groups and mask", nil, 2, 2, true),
			}
		},
	}, 19, 22)
}

// deformed is a convolution over two axes whose taps look where offsets move them. Channels share offsets by offset
// group.
type deformed struct {
	Geometry
	offsetGroups int
}

// deformedOf reads a DeformConv node or its gradient.
func deformedOf(n *graph.Node) (deformed, error) {
	d := deformed{offsetGroups: n.Attrs.Int("offset_group", 1)}
	if err := sameType(n, floats, 0, 1, 2, 3, 4); err != nil {
		return d, err
	}
	if err := rank(n, 0, 4, 4); err != nil {
		return d, err
	}
	var err error
	if d.Geometry, err = placedConv(n, shapeOf(n, 0), shapeOf(n, 1)); err != nil {
		return d, err
	}
	if d.offsetGroups < 1 || d.InChannels%d.offsetGroups != 0 {
		return d, fmt.Errorf("%d channels do not make %d offset groups", d.InChannels, d.offsetGroups)
	}
	taps := tensor.Shape(d.Kernel).Elems()
	if want := (tensor.Shape{d.Batch, 2 * taps * d.offsetGroups, d.Out[0], d.Out[1]}); !shapeOf(n, 2).Equal(want) {
		return d, fmt.Errorf("offsets have shape %v instead of %v", shapeOf(n, 2), want)
	}
	if v, want := n.Input(4), d.maskShape(); v != nil && !v.Type.Shape.Equal(want) {
		return d, fmt.Errorf("the mask has shape %v instead of %v", v.Type.Shape, want)
	}
	return d, channelBiasAt(n, 3, d.OutChannels)
}

// channelBiasAt checks input i, if present, to be a number for each channel.
func channelBiasAt(n *graph.Node, i, channels int) error {
	if v := n.Input(i); v != nil && !v.Type.Shape.Equal(tensor.Shape{channels}) {
		return fmt.Errorf("bias %q has shape %v for %d channels", v.Name, v.Type.Shape, channels)
	}
	return nil
}

func (d *deformed) maskShape() tensor.Shape {
	return tensor.Shape{d.Batch, tensor.Shape(d.Kernel).Elems() * d.offsetGroups, d.Out[0], d.Out[1]}
}

// maskOf are the elements of the mask, ones when it is absent.
func (d *deformed) maskOf(t *tensor.Tensor) []float64 {
	if t != nil {
		return t.Float64s()
	}
	mask := make([]float64, d.maskShape().Elems())
	for i := range mask {
		mask[i] = 1
	}
	return mask
}

// deformedTap is what one tap of the windows of one position brings from one channel.
type deformedTap struct {
	image, channel, position, tap int
	plane                         int // offset of the channel in x
	mask                          int // offset in the mask
	offset                        [2]int
	taps                          []gridTap // bilinear, with slopes by height and width
}

func (s *deformedTap) sample(x []float64) float64 {
	v := 0.0
	for _, t := range s.taps {
		v += t.weight * x[s.plane+t.at]
	}
	return v
}

// sweep calls fn for every image, channel, tap and position.
func (d *deformed) sweep(offsets []float64, fn func(s *deformedTap)) {
	taps, count := tensor.Shape(d.Kernel).Elems(), tensor.Shape(d.Out).Elems()
	shared := d.InChannels / d.offsetGroups
	for image := range d.Batch {
		for c := range d.InChannels {
			for k := range taps {
				first := (image*d.offsetGroups+c/shared)*taps + k
				for p := range count {
					s := deformedTap{image: image, channel: c, position: p, tap: k, mask: first*count + p,
						plane: (image*d.InChannels + c) * d.In[0] * d.In[1]}
					s.offset = [2]int{2*first*count + p, (2*first+1)*count + p}
					y := d.centre(0, p/d.Out[1], k/d.Kernel[1]) + offsets[s.offset[0]]
					x := d.centre(1, p%d.Out[1], k%d.Kernel[1]) + offsets[s.offset[1]]
					s.taps = d.bilinear(y, x)
					fn(&s)
				}
			}
		}
	}
}

// centre is where a tap lies without an offset.
func (d *deformed) centre(axis, out, tap int) float64 {
	i, _ := d.at(axis, out, tap)
	return float64(i)
}

// bilinear are the taps inside of the plane.
func (d *deformed) bilinear(y, x float64) []gridTap {
	rows := gridAxis{size: d.In[0], mode: "linear", padding: "zeros", scale: 1}
	columns := gridAxis{size: d.In[1], mode: "linear", padding: "zeros", scale: 1}
	var list []gridTap
	for _, r := range rows.taps(y) {
		for _, c := range columns.taps(x) {
			if r.at >= 0 && c.at >= 0 {
				list = append(list, gridTap{r.at*d.In[1] + c.at, r.weight * c.weight, []float64{r.slope * c.weight, r.weight * c.slope}})
			}
		}
	}
	return list
}

// filters calls fn for every output that a tap goes to, with the offsets of the output and of the weight.
func (d *deformed) filters(s *deformedTap, fn func(o, filter int)) {
	in, out := d.InChannels/d.Group, d.OutChannels/d.Group
	taps, count := tensor.Shape(d.Kernel).Elems(), tensor.Shape(d.Out).Elems()
	group := s.channel / in
	for m := group * out; m < (group+1)*out; m++ {
		fn((s.image*d.OutChannels+m)*count+s.position, (m*in+s.channel%in)*taps+s.tap)
	}
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Geometry is how the windows of a convolution or pooling lie on its input: the input is [Batch, InChannels, In...],
// the output [Batch, OutChannels, Out...]. The lists have an element for each of the 1 to 3 spatial axes.
type Geometry struct {
	Batch, Group            int
	InChannels, OutChannels int // of all groups together
	In, Out                 []int
	Kernel                  []int
	Strides, Dilations      []int
	Begin, End              []int // padding, with auto_pad resolved
}

// Dims is the number of spatial axes.
func (g *Geometry) Dims() int { return len(g.In) }

// extent is the part of the input that a window spans along axis d.
func (g *Geometry) extent(d int) int { return (g.Kernel[d]-1)*g.Dilations[d] + 1 }

// attrs are the attributes of a node with these windows and explicit padding.
func (g *Geometry) attrs() graph.Attrs {
	pads := append(append([]int{}, g.Begin...), g.End...)
	return graph.MakeAttrs("kernel_shape", g.Kernel, "strides", g.Strides, "dilations", g.Dilations, "pads", pads)
}

// convAttrs are attrs with the number of groups.
func (g *Geometry) convAttrs() graph.Attrs { return g.attrs().With("group", g.Group) }

func (g *Geometry) inShape() tensor.Shape {
	return append(tensor.Shape{g.Batch, g.InChannels}, g.In...)
}

func (g *Geometry) outShape() tensor.Shape {
	return append(tensor.Shape{g.Batch, g.OutChannels}, g.Out...)
}

// windows reads kernel, strides, dilations and pads from the attributes, with kernel for those of a node that gives
// none, and leaves In, which must be set, as it is. auto_pad is left to place.
func (g *Geometry) windows(n *graph.Node, kernel []int) error {
	g.Kernel = n.Attrs.Ints("kernel_shape")
	if g.Kernel == nil {
		g.Kernel = kernel
	}
	dims := g.Dims()
	if dims < 1 || dims > 3 {
		return fmt.Errorf("%d spatial axes; 1 to 3 are supported", dims)
	}
	if kernel != nil && !tensor.Shape(kernel).Equal(g.Kernel) {
		return fmt.Errorf("attribute kernel_shape is %v and the weights have %v", g.Kernel, kernel)
	}
	var err error
	read := func(name string, absent, least, count int) []int {
		list := n.Attrs.Ints(name)
		if list == nil {
			list = make([]int, count)
			for i := range list {
				list[i] = absent
			}
		}
		if err == nil && len(list) != count {
			err = fmt.Errorf("attribute %s is %v, which is not %d numbers", name, list, count)
		}
		for _, v := range list {
			if err == nil && (v < least || v > 1<<31) {
				err = fmt.Errorf("attribute %s is %v", name, list)
			}
		}
		return list
	}
	g.Strides = read("strides", 1, 1, dims)
	g.Dilations = read("dilations", 1, 1, dims)
	pads := read("pads", 0, 0, 2*dims)
	if err != nil {
		return err
	}
	if len(g.Kernel) != dims {
		return fmt.Errorf("a kernel of shape %v for %d spatial axes", g.Kernel, dims)
	}
	for _, k := range g.Kernel {
		if k < 1 || k > 1<<31 {
			return fmt.Errorf("a kernel of shape %v", g.Kernel)
		}
	}
	g.Begin, g.End = pads[:dims:dims], pads[dims:]
	return nil
}

// place computes the padding that auto_pad asks for and the size of the output. ceil lets a last window reach over the
// end of the padded input, as long as it begins inside of the input or of the padding before it.
func (g *Geometry) place(n *graph.Node, ceil bool) error {
	auto := n.Attrs.String("auto_pad", "NOTSET")
	g.Out = make([]int, g.Dims())
	for d, size := range g.In {
		stride := g.Strides[d]
		switch auto {
		case "NOTSET", "":
		case "VALID":
			g.Begin[d], g.End[d] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			g.same(d, auto == "SAME_LOWER")
			continue
		default:
			return fmt.Errorf("attribute auto_pad is %q; NOTSET, VALID, SAME_UPPER and SAME_LOWER are known", auto)
		}
		room := size + g.Begin[d] + g.End[d] - g.extent(d)
		if room < 0 {
			return fmt.Errorf("a window of %d does not fit into axis %d of size %d with padding %d and %d",
				g.extent(d), d+2, size, g.Begin[d], g.End[d])
		}
		g.Out[d] = room/stride + 1
		if ceil && room%stride != 0 && g.Out[d]*stride < size+g.Begin[d] {
			g.Out[d]++
		}
	}
	return nil
}

// same pads axis d so that the output has a window for every stride of the input.
func (g *Geometry) same(d int, lower bool) {
	g.Out[d] = (g.In[d] + g.Strides[d] - 1) / g.Strides[d]
	total := max(0, (g.Out[d]-1)*g.Strides[d]+g.extent(d)-g.In[d])
	g.Begin[d], g.End[d] = total/2, total-total/2
	if lower {
		g.Begin[d], g.End[d] = g.End[d], g.Begin[d]
	}
}

// run is count outputs from out on and the inputs that one tap of the windows brings to them: the first is at in, the
// next ones are the last stride apart.
type run struct{ out, in, count int }

// runs lists, for every tap of the kernel in row-major order, the runs of one plane; padding is left out.
func (g *Geometry) runs() [][]run {
	full := g.threeDims()
	taps := make([][]run, 0, tensor.Shape(g.Kernel).Elems())
	k, out := full.Kernel, full.Out
	for k0 := range k[0] {
		for k1 := range k[1] {
			for k2 := range k[2] {
				var list []run
				first, last := full.covered(2, k2)
				for o0 := range out[0] {
					i0, in0 := full.at(0, o0, k0)
					for o1 := range out[1] {
						i1, in1 := full.at(1, o1, k1)
						if in0 && in1 && first < last {
							i2, _ := full.at(2, first, k2)
							list = append(list, run{(o0*out[1]+o1)*out[2] + first, (i0*full.In[1]+i1)*full.In[2] + i2, last - first})
						}
					}
				}
				taps = append(taps, list)
			}
		}
	}
	return taps
}

// step is the distance of a run's inputs.
func (g *Geometry) step() int { return g.Strides[len(g.Strides)-1] }

// threeDims adds axes of size 1 in front.
func (g *Geometry) threeDims() *Geometry {
	full := *g
	for full.Dims() < 3 {
		for _, list := range []*[]int{&full.In, &full.Out, &full.Kernel, &full.Strides, &full.Dilations} {
			*list = append([]int{1}, *list...)
		}
		full.Begin, full.End = append([]int{0}, full.Begin...), append([]int{0}, full.End...)
	}
	return &full
}

// at is the input position along axis d that tap k brings to output o, and whether it lies inside.
func (g *Geometry) at(d, o, k int) (int, bool) {
	i := o*g.Strides[d] - g.Begin[d] + k*g.Dilations[d]
	return i, i >= 0 && i < g.In[d]
}

// covered bounds the outputs along axis d to which tap k brings input instead of padding.
func (g *Geometry) covered(d, k int) (first, last int) {
	start, stride := k*g.Dilations[d]-g.Begin[d], g.Strides[d]
	if start < 0 {
		first = (-start + stride - 1) / stride
	}
	if end := g.In[d] - start; end > 0 {
		last = min(g.Out[d], (end+stride-1)/stride)
	}
	return first, last
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ConvGeometry is the geometry of a Conv node, or of the convolution that a ConvGradInput or ConvGradWeight belongs
// to. The input types must be known.
func ConvGeometry(n *graph.Node) (Geometry, error) {
	var x, w tensor.Shape
	switch n.Op.Type {
	case "ConvGradInput":
		x, w = n.Attrs.Ints("shape"), shapeOf(n, 1)
	case "ConvGradWeight":
		x, w = shapeOf(n, 1), n.Attrs.Ints("shape")
	default:
		x, w = shapeOf(n, 0), shapeOf(n, 1)
	}
	g, err := convWindows(n, x, w)
	if err != nil {
		return g, err
	}
	if n.Op.Type == "Conv" {
		return g, g.place(n, false)
	}
	// A gradient's windows are where the forward node had them, whatever a formula says about their number.
	dy := shapeOf(n, 0)
	if len(dy) != len(x) || dy[0] != g.Batch || dy[1] != g.OutChannels {
		return g, fmt.Errorf("the gradient has shape %v, the input %v and the weights %v", dy, x, w)
	}
	g.Out = dy[2:].Clone()
	return g, nil
}

// convWindows reads all but the output's size for a convolution of x with w, which are checked against each other.
func convWindows(n *graph.Node, x, w tensor.Shape) (Geometry, error) {
	if len(x) < 3 || len(w) != len(x) {
		return Geometry{}, fmt.Errorf("an input of shape %v and weights of shape %v", x, w)
	}
	g := Geometry{Batch: x[0], InChannels: x[1], OutChannels: w[0], Group: n.Attrs.Int("group", 1), In: x[2:].Clone()}
	if g.Group < 1 || w[0]%g.Group != 0 || x[1]%g.Group != 0 || w[1] != x[1]/g.Group {
		return g, fmt.Errorf("an input of shape %v and weights of shape %v do not make %d groups", x, w, g.Group)
	}
	return g, g.windows(n, w[2:].Clone())
}

// sweep calls fn for every pair of an input and an output plane that share a filter, with the offsets of the planes
// and of the filter.
func (g *Geometry) sweep(fn func(in, out, filter int)) {
	inPlane, outPlane, taps := tensor.Shape(g.In).Elems(), tensor.Shape(g.Out).Elems(), tensor.Shape(g.Kernel).Elems()
	c, m := g.InChannels/g.Group, g.OutChannels/g.Group
	for b := range g.Batch {
		for o := range g.OutChannels {
			for i := range c {
				in := b*g.InChannels + o/m*c + i
				fn(in*inPlane, (b*g.OutChannels+o)*outPlane, (o*c+i)*taps)
			}
		}
	}
}

// convolve adds the convolution of x with w to y.
func (g *Geometry) convolve(y, x, w []float64) {
	taps, step := g.runs(), g.step()
	g.sweep(func(in, out, filter int) {
		for k, runs := range taps {
			f := w[filter+k]
			for _, r := range runs {
				at := in + r.in
				for i := range y[out+r.out:][:r.count] {
					y[out+r.out+i] += f * x[at]
					at += step
				}
			}
		}
	})
}

// gradInput adds the gradient of the convolution's input to dx.
func (g *Geometry) gradInput(dx, dy, w []float64) {
	taps, step := g.runs(), g.step()
	g.sweep(func(in, out, filter int) {
		for k, runs := range taps {
			f := w[filter+k]
			for _, r := range runs {
				at := in + r.in
				for _, v := range dy[out+r.out:][:r.count] {
					dx[at] += f * v
					at += step
				}
			}
		}
	})
}

// gradWeight adds the gradient of the convolution's weights to dw.
func (g *Geometry) gradWeight(dw, dy, x []float64) {
	taps, step := g.runs(), g.step()
	g.sweep(func(in, out, filter int) {
		for k, runs := range taps {
			sum := 0.0
			for _, r := range runs {
				at := in + r.in
				for _, v := range dy[out+r.out:][:r.count] {
					sum += v * x[at]
					at += step
				}
			}
			dw[filter+k] += sum
		}
	})
}

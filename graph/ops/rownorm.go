package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// normalisedRows are rows of which each has mean 0 and variance 1, or mean square 1 alone.
type normalisedRows struct {
	y            []float64
	mean, invstd []float64 // a number for each row
}

// normaliseRows normalises the elements of x from an axis on together; rms leaves the mean in.
func normaliseRows(x []float64, shape tensor.Shape, axis int, eps float64, rms bool) normalisedRows {
	rows, width := shape[:axis].Elems(), shape[axis:].Elems()
	r := normalisedRows{x, make([]float64, rows), make([]float64, rows)}
	for k := range rows {
		row := x[k*width : (k+1)*width]
		mean, variance := moments(row)
		if rms {
			variance += mean * mean
			mean = 0
		}
		r.mean[k], r.invstd[k] = mean, 1/math.Sqrt(variance+eps)
		for i := range row {
			row[i] = (row[i] - mean) * r.invstd[k]
		}
	}
	return r
}

// scaleShift multiplies by scale and adds bias, if any; both broadcast to shape.
func (r normalisedRows) scaleShift(shape tensor.Shape, scale, bias *tensor.Tensor) {
	s := scale.Float64s()
	walk(shape, func(i int, at []int) { r.y[i] *= s[at[0]] }, scale.Shape.BroadcastStrides(shape))
	if bias != nil {
		v := bias.Float64s()
		walk(shape, func(i int, at []int) { r.y[i] += v[at[0]] }, bias.Shape.BroadcastStrides(shape))
	}
}

// rowNormGrad emits the gradient of a LayerNorm and its kin: dx collects what arrives at x.
type rowNormGrad struct {
	b            *op.Backward
	x            *graph.Value
	axis         int
	rms          bool
	mean, invstd *graph.Value // of the rows; mean is nil when it is left in
	dx           *graph.Value
}

// affine adds the gradient through y, and sets that of the scale and bias, inputs of the given numbers; -1: no bias.
func (g *rowNormGrad) affine(dy *graph.Value, scale, bias int) {
	b := g.b
	if dy == nil || b.Err != nil {
		return
	}
	row, biased := g.x.Type.Shape[g.axis:], bias >= 0 && b.Want(bias)
	dy, s := as(b, dy, g.x), as(b, b.In(scale), g.x)
	if !g.rms && b.Err == nil && s.Type.Shape.Equal(row) {
		outs := 2
		if biased {
			outs = 3
		}
		d := b.Emit(op.Internal, "LayerNormGrad", graph.MakeAttrs("axis", g.axis), outs, dy, g.x, s, g.mean, g.invstd)
		g.add(d[0])
		g.set(scale, d[1])
		if biased {
			b.Set(bias, d[2])
		}
		return
	}
	xhat := g.xhat()
	g.add(g.through(b.Op("Mul", dy, s), xhat))
	g.set(scale, b.Op("Mul", dy, xhat))
	if biased {
		b.Set(bias, as(b, b.SumTo(dy, b.In(bias).Type.Shape), b.In(bias)))
	}
}

func (g *rowNormGrad) set(input int, v *graph.Value) {
	b := g.b
	if b.Want(input) && b.Err == nil {
		b.Set(input, as(b, b.SumTo(v, b.In(input).Type.Shape), b.In(input)))
	}
}

// xhat is the normalised x.
func (g *rowNormGrad) xhat() *graph.Value {
	return g.b.Op("Mul", g.centred(), as(g.b, g.invstd, g.x))
}

func (g *rowNormGrad) centred() *graph.Value {
	if g.rms || g.b.Err != nil {
		return g.x
	}
	return g.b.Op("Add", g.x, times(g.b, as(g.b, g.mean, g.x), -1))
}

// through is invstd*(h - mean(h) - xhat*mean(h*xhat)) for h, the gradient of xhat; rms leaves mean(h) out.
func (g *rowNormGrad) through(h, xhat *graph.Value) *graph.Value {
	b := g.b
	if b.Err != nil {
		return nil
	}
	along := b.Op("Mul", xhat, g.meanOf(b.Op("Mul", h, xhat)))
	if !g.rms {
		h = b.Op("Add", h, times(b, g.meanOf(h), -1))
	}
	return b.Op("Mul", as(b, g.invstd, g.x), b.Op("Add", h, times(b, along, -1)))
}

func (g *rowNormGrad) meanOf(v *graph.Value) *graph.Value {
	return times(g.b, g.b.SumTo(v, g.statistic()), 1/g.width())
}

// statistic is the shape of a number for each row.
func (g *rowNormGrad) statistic() tensor.Shape {
	shape := g.x.Type.Shape.Clone()
	for i := g.axis; i < len(shape); i++ {
		shape[i] = 1
	}
	return shape
}

func (g *rowNormGrad) width() float64 { return float64(g.x.Type.Shape[g.axis:].Elems()) }

// statistics adds the gradient through the mean and the inverse standard deviation where they are outputs.
func (g *rowNormGrad) statistics(dmean, dinvstd *graph.Value) {
	b := g.b
	if dmean != nil && !g.rms {
		g.add(expand(b, times(b, as(b, dmean, g.x), 1/g.width()), g.x.Type.Shape))
	}
	if dinvstd != nil {
		inv := as(b, g.invstd, g.x)
		cube := b.Op("Mul", inv, b.Op("Mul", inv, inv))
		g.add(b.Op("Mul", times(b, b.Op("Mul", as(b, dinvstd, g.x), cube), -1/g.width()), g.centred()))
	}
}

func (g *rowNormGrad) add(v *graph.Value) {
	if g.dx != nil {
		v = g.b.Op("Add", g.dx, v)
	}
	g.dx = v
}

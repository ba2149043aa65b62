package pass

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// draws are the ai.onnx operators whose random numbers a training step draws anew, written with uniform numbers.
var draws = map[string]func(d *drawer, n *graph.Node) *graph.Value{
	"Bernoulli":         (*drawer).bernoulli,
	"Multinomial":       (*drawer).multinomial,
	"RandomNormal":      (*drawer).normal,
	"RandomNormalLike":  (*drawer).normal,
	"RandomUniform":     (*drawer).between,
	"RandomUniformLike": (*drawer).between,
}

// drawer writes one random node with uniform numbers; the first error sticks.
type drawer struct {
	b    *Built
	keys int
	err  error
}

// random rewires random operators to the input [seed, step]: as they stand, they draw the same numbers in every run,
// which is what evaluation keeps.
func random(b *Built, o *Options) error {
	if !o.Training {
		return nil
	}
	g := b.Graph
	d := drawer{b: b}
	nodes := g.Nodes
	g.Nodes = make([]*graph.Node, 0, len(nodes))
	replaced := map[*graph.Value]*graph.Value{}
	for _, n := range nodes {
		write := draws[n.Op.Type]
		if n.Op.Domain != "" || write == nil {
			g.Nodes = append(g.Nodes, n)
			continue
		}
		out := n.Out[0]
		v := d.cast(write(&d, n), out.Type.DType)
		if d.err != nil {
			return graph.At(n, d.err)
		}
		replaced[out] = v
		out.Name, v.Name = v.Name, out.Name
	}
	for old, v := range replaced {
		g.Replace(old, v)
	}
	return nil
}

// rng is the input [seed, step] of the graph.
func (b *Built) rng() *graph.Value {
	if b.RNG == nil {
		b.RNG = b.Graph.NewValue(RNGInput, graph.Input, graph.Type{DType: tensor.Int64, Shape: tensor.Shape{2}})
		b.Graph.Inputs = append(b.Graph.Inputs, b.RNG)
	}
	return b.RNG
}

func (d *drawer) emit(domain, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	if d.err != nil {
		return nil
	}
	out, err := op.Build(d.b.Graph, nil, domain, typ, attrs, 1, in...)
	if err != nil {
		d.err = err
		return nil
	}
	return out[0]
}

func (d *drawer) op(typ string, in ...*graph.Value) *graph.Value { return d.emit("", typ, nil, in...) }

func (d *drawer) scalar(x float64) *graph.Value {
	return d.b.Graph.NewConst("", tensor.Scalar(float32(x)))
}

// cast is v as dt.
func (d *drawer) cast(v *graph.Value, dt tensor.DType) *graph.Value {
	if d.err != nil || v.Type.DType == dt {
		return v
	}
	return d.op("CastLike", v, d.b.Graph.NewConst("", tensor.New(dt, 1)))
}

// uniform draws numbers in [0, 1). Its keys are negative; those of Dropout are not.
func (d *drawer) uniform(shape tensor.Shape) *graph.Value {
	d.keys++
	return d.emit(op.Internal, "Uniform", graph.MakeAttrs("shape", []int(shape), "key", -d.keys), d.b.rng())
}

func (d *drawer) between(n *graph.Node) *graph.Value {
	low, high := n.Attrs.Float("low", 0), n.Attrs.Float("high", 1)
	return d.op("Add", d.op("Mul", d.uniform(n.Out[0].Type.Shape), d.scalar(high-low)), d.scalar(low))
}

// normal is the transform of Box and Muller (1958); 1-u is in (0, 1], where the logarithm is finite.
func (d *drawer) normal(n *graph.Node) *graph.Value {
	shape := n.Out[0].Type.Shape
	positive := d.op("Sub", d.scalar(1), d.uniform(shape))
	radius := d.op("Sqrt", d.op("Mul", d.op("Log", positive), d.scalar(-2)))
	angle := d.op("Cos", d.op("Mul", d.uniform(shape), d.scalar(2*math.Pi)))
	scaled := d.op("Mul", d.op("Mul", radius, angle), d.scalar(n.Attrs.Float("scale", 1)))
	return d.op("Add", scaled, d.scalar(n.Attrs.Float("mean", 0)))
}

func (d *drawer) bernoulli(n *graph.Node) *graph.Value {
	return d.op("Less", d.uniform(n.Out[0].Type.Shape), d.cast(n.In[0], tensor.Float32))
}

// multinomial takes the largest of log-probabilities with Gumbel noise, which falls on a class with its probability.
func (d *drawer) multinomial(n *graph.Node) *graph.Value {
	scores, size := n.In[0].Type.Shape, n.Out[0].Type.Shape[1]
	u := d.uniform(tensor.Shape{scores[0], size, scores[1]})
	noise := d.op("Neg", d.op("Log", d.op("Neg", d.op("Log", u))))
	rows := d.op("Unsqueeze", d.cast(n.In[0], tensor.Float32), d.b.Graph.NewConst("", tensor.Vector[int64](1)))
	return d.emit("", "ArgMax", graph.MakeAttrs("axis", 2, "keepdims", 0), d.op("Add", rows, noise))
}

package bench

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

const (
	sampleElems = 1 << 20 // of the first input of a sample that is made larger
	sampleRow   = 64      // times its last axis, for the rows that models have
	sampleLeast = 1 << 20 // bytes of a call, below which starting the threads counts
	sampleBytes = 64 << 20
	sampleFLOPs = 4e9
)

var errSample = errors.New("the sample cannot be used")

// kernel times a kernel on the first sample that it runs once it is larger, if there is one. What can be repeated differs: rows of
// all inputs that are as long, or examples alone, of all inputs that have as many or of the first one.
func (t timer) kernel(ctx context.Context, k cpu.Kernel) (Kernel, bool) {
	for _, def := range slices.Backward(op.All()) {
		if def.Domain != k.Op.Domain || def.Type != k.Op.Type || def.Samples == nil || k.Op.Since != 0 && k.Op.Since != def.Since {
			continue
		}
		all := def.Samples()
		for _, way := range []larger{{row: sampleRow, together: true}, {row: 1, together: true}, {row: 1}} {
			for _, s := range all {
				if timed, err := t.sample(ctx, def, s, way, k.Name); err == nil {
					return timed, true
				}
			}
		}
	}
	return Kernel{}, false
}

func (t timer) sample(ctx context.Context, def op.Def, s op.Sample, way larger, kernel string) (Kernel, error) {
	c, err := way.call(def, s)
	if err != nil {
		return Kernel{}, err
	}
	n := c.g.Nodes[0]
	if bytes := Bytes(n); bytes < sampleLeast || bytes > sampleBytes || FLOPs(n) > sampleFLOPs {
		return Kernel{}, errSample
	}
	p, err := t.compile(c.g)
	if err != nil {
		return Kernel{}, err
	}
	defer p.Close()
	if p.Kernel(n) != kernel {
		return Kernel{}, errSample
	}
	types := []string{}
	for i, v := range n.In {
		if v == nil {
			continue
		}
		types = append(types, v.Type.String())
		if v.Kind == graph.Input {
			c.repeats[i].fill(p.Tensor(v).Data, s.In[i])
		}
	}
	return t.node(ctx, def.Type+" of "+strings.Join(types, ", "), p, n)
}

// larger is a way to repeat what a sample has.
type larger struct {
	row      int  // times the last axis, of all inputs that have one of the same length
	together bool // the first axis, too, is repeated in all inputs where it has the same length; else in the first input
}

// sampleCall is a node, alone in its graph, and how its inputs repeat those of a sample.
type sampleCall struct {
	g       *graph.Graph
	repeats []repeat
}

// repeat is how often axes occur.
type repeat struct{ first, last int }

func (w larger) call(def op.Def, s op.Sample) (*sampleCall, error) {
	if len(s.In) == 0 || s.In[0] == nil || len(s.In[0].Shape) == 0 || s.In[0].Elems() == 0 || slices.Contains(s.Const, 0) {
		return nil, errSample
	}
	c := &sampleCall{graph.New(s.Name), make([]repeat, len(s.In))}
	n := &graph.Node{Name: s.Name, Op: def.ID(), Attrs: s.Attrs}
	for i, in := range s.In {
		switch {
		case in == nil:
			n.In = append(n.In, nil)
		case slices.Contains(s.Const, i):
			n.In = append(n.In, c.g.NewConst("", in))
		default:
			c.repeats[i] = w.repeat(i, in.Shape, s.In[0].Shape)
			v := c.g.NewValue("", graph.Input, graph.Type{DType: in.DType, Shape: c.repeats[i].shape(in.Shape)})
			c.g.Inputs, n.In = append(c.g.Inputs, v), append(n.In, v)
		}
	}
	for range max(s.Outs, 1) {
		n.Out = append(n.Out, c.g.NewValue("", graph.Computed, graph.Type{}))
	}
	c.g.AddNode(n)
	c.g.Outputs = n.Out
	return c, def.Infer(n)
}

// repeat is that of input i; first is the shape of the first one.
func (w larger) repeat(i int, shape, first tensor.Shape) repeat {
	r := repeat{1, 1}
	rank, row := len(shape), w.row
	if len(first) == 1 {
		row = 1 // the axis is the first one
	}
	if rank > 0 && shape[rank-1] == first[len(first)-1] {
		r.last = row
	}
	if i == 0 || w.together && rank > 0 && shape[0] == first[0] {
		r.first = max(sampleElems/(first.Elems()*row), 1)
	}
	return r
}

func (r repeat) shape(s tensor.Shape) tensor.Shape {
	s = slices.Clone(s)
	if len(s) > 0 {
		s[len(s)-1] *= r.last
		s[0] *= r.first
	}
	return s
}

// fill writes the sample's elements as often as they occur.
func (r repeat) fill(dst []byte, of *tensor.Tensor) {
	row := len(of.Data)
	if len(of.Shape) > 0 {
		row = of.Shape[len(of.Shape)-1] * of.DType.Size()
	}
	if row == 0 {
		return
	}
	for range r.first {
		for at := 0; at < len(of.Data); at += row {
			for range r.last {
				dst = dst[copy(dst, of.Data[at:at+row]):]
			}
		}
	}
}

package ops

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// distinct lists the operators whose result is undefined when indices repeat, as those of longer inputs here would.
var distinct = map[string]bool{"Scatter": true, "ScatterElements": true, "ScatterND": true, "MaxUnpool": true}

// variantOf makes a call with other dimensions than the sample's, where the operator takes them, and with other numbers.
// Dimensions of one size stay of one size, so that shapes go on fitting each other. Internal operators count on shapes that
// fit, so theirs stay.
func variantOf(def op.Def, s op.Sample, r *dice) (*graph.Graph, *graph.Node, error) {
	first, last := 0, 6
	if def.Domain == op.Internal || distinct[def.Type] {
		first = last - 1
	}
	for attempt := first; attempt < last; attempt++ {
		size := map[int]int{}
		longer := func(d int) int {
			if _, chosen := size[d]; !chosen {
				size[d] = d
				// Fewer dimensions change with every attempt, and none in the last.
				if d > 1 && r.intn(5) >= attempt {
					size[d] = d + 1 + r.intn(2)
				}
			}
			return size[d]
		}
		v := s
		v.In = make([]*tensor.Tensor, len(s.In))
		for i, t := range s.In {
			v.In[i] = t
			if t != nil && !slices.Contains(s.Const, i) {
				shape := t.Shape.Clone()
				for d := range shape {
					shape[d] = longer(shape[d])
				}
				v.In[i] = filledLike(t, shape, r)
			}
		}
		g, n, err := call(def, v, tensor.Float64)
		if err != nil {
			continue
		}
		if _, err := op.Evaluate(g, nil); err == nil {
			return g, n, nil
		}
	}
	return call(def, s, tensor.Float64)
}

// filledLike repeats the elements of t in another shape; numbers are moved by up to 3 percent.
func filledLike(t *tensor.Tensor, shape tensor.Shape, r *dice) *tensor.Tensor {
	out := tensor.New(t.DType, shape...)
	if t.Elems() == 0 {
		return out
	}
	if !t.DType.IsFloat() {
		for i := range out.Elems() {
			copyElem(out, i, t, i%t.Elems())
		}
		return out
	}
	from, x := t.Float64s(), make([]float64, out.Elems())
	for i := range x {
		x[i] = from[i%len(from)] * (1 + 0.03*(2*r.float()-1))
	}
	out.SetFloat64s(x)
	return out
}

// dice are random numbers.
type dice struct{ state uint64 }

func (r *dice) float() float64 {
	r.state = mix64(r.state)
	return float64(r.state>>11) / (1 << 53)
}

func (r *dice) intn(n int) int { return int(r.float() * float64(n)) }

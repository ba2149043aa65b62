package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "pad/constant", Op: onnx("Pad"), Half: halfAmong([]int{0}, []int{0}),
		When: func(n *graph.Node) bool {
			_, ok := padding(n)
			return ok && (n.In[0].Type.DType == tensor.Float32 || isHalf(n.In[0])) && smallRank(n)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			p, _ := padding(n)
			y := vectorOf(out[0])
			from, to := whole(in[0]), whole(out[0])
			dims := in[0].Shape.Clone()
			for d, before := range p.before {
				// A negative padding crops.
				from.first += max(0, -before) * from.strides[d]
				to.first += max(0, before) * to.strides[d]
				dims[d] = max(0, min(dims[d]+min(0, before), out[0].Shape[d]-max(0, before)))
			}
			move := bindMove(s.Pool, dims, to, from)
			border := func(_, lo, hi int) { fill(y.wide[lo:hi], p.value) }
			if y.half != nil {
				var value [1]uint16
				linalg.Narrow(value[:], []float32{p.value})
				border = func(_, lo, hi int) { fill(y.half[lo:hi], value[0]) }
			}
			return func() error {
				s.Pool.For(y.len(), chunk, border)
				move()
				return nil
			}, nil
		},
	})
}

// pads is what is put before each axis, and the number it is made of; what is behind follows from the output's shape.
type pads struct {
	before []int
	value  float32
}

// padding reads the versions of Pad: attributes before opset 11, then inputs, with axes since 18. false when they are
// not constant or the mode is another.
func padding(n *graph.Node) (pads, bool) {
	rank, ok := len(n.In[0].Type.Shape), true
	given, axes := n.Attrs.Ints("pads"), constInts(n, 3, &ok)
	value := float32(n.Attrs.Float("value", 0))
	if n.Op.Since >= 11 {
		given = constInts(n, 1, &ok)
		if n.Input(2) != nil {
			t := n.ConstInput(2)
			if t == nil {
				return pads{}, false
			}
			value = float32(t.Float64s()[0])
		}
	}
	p := pads{make([]int, rank), value}
	if axes == nil {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	if !ok || len(given) != 2*len(axes) || n.Attrs.String("mode", "constant") != "constant" {
		return pads{}, false
	}
	for i, axis := range axes {
		axis, err := n.In[0].Type.Shape.Axis(axis)
		if err != nil {
			return pads{}, false
		}
		p.before[axis] = given[i]
	}
	return p, true
}

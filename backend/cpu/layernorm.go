package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "layer_norm", Op: onnx("LayerNormalization"), InPlace: []int{0},
		Tol: Tol{Abs: 1e-5, Rel: 2e-5}, Half: halfAmong([]int{0}, []int{0}), Scratch: normRowRooms,
		When: func(n *graph.Node) bool {
			c, ok := normRow(n, n.In[0])
			return ok && allFloat(n) && sized(n.In[1], c) && (n.Input(2) == nil || sized(n.In[2], c))
		},
		Bind: bindLayerNorm,
	})
}

// normRow is the number of elements that are normalised together: those from the axis on.
func normRow(n *graph.Node, x *graph.Value) (int, bool) {
	axis, err := x.Type.Shape.Axis(n.Attrs.Int("axis", -1))
	if err != nil || x.Type.Shape.Elems() == 0 {
		return 0, false
	}
	return x.Type.Shape[axis:].Elems(), true
}

// normRowRooms is the Scratch of norms whose rows fit one room each.
func normRowRooms(n *graph.Node, threads int) int {
	c, _ := normRow(n, n.In[0])
	return roomBytes(1, c, threads)
}

func sized(v *graph.Value, elems int) bool { return v.Type.Shape.Elems() == elems }

// elements is the tensor's, nil for an absent one.
func elements(ts []*tensor.Tensor, i int) []float32 {
	if i >= len(ts) || ts[i] == nil {
		return nil
	}
	return ts[i].F32()
}

func bindLayerNorm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, bias := vectorOf(in[0]), in[1].F32(), elements(in, 2)
	y, mean, invstd := vectorOf(out[0]), elements(out, 1), elements(out, 2)
	c, _ := normRow(n, n.In[0])
	eps, rooms := n.Attrs.Float("epsilon", 1e-5), roomsIn(s, 1, c)
	body := func(worker, lo, hi int) {
		room := rooms.of(worker, 0)
		for i := lo; i < hi; i++ {
			from, row := x.read(room, i*c, i*c+c), y.place(room, i*c, i*c+c)
			m, inv := moments(from, eps)
			if bias != nil {
				linalg.Normalize(row, from, m, inv, scale, bias)
			} else {
				linalg.ShiftScale(row, from, -m, inv)
				linalg.Mul(row, row, scale)
			}
			y.put(row, i*c, i*c+c)
			if mean != nil {
				mean[i] = m
			}
			if invstd != nil {
				invstd[i] = inv
			}
		}
	}
	return func() error {
		s.Pool.For(x.len()/c, chunk/c, body)
		return nil
	}, nil
}

// moments are the mean of x and 1/sqrt(variance + eps), with the population's variance. The mean is taken off before
// squaring, so that a large one costs no digits.
func moments(x []float32, eps float64) (mean, invstd float32) {
	mean = linalg.Sum(x) / float32(len(x))
	variance := float64(linalg.SumSquaredDiff(x, mean)) / float64(len(x))
	return mean, float32(1 / math.Sqrt(variance+eps))
}

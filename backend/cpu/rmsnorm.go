package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

const microsoft = "com.microsoft"

func init() {
	for _, k := range []struct {
		name string
		id   graph.OpID
	}{
		{"rms_norm", onnx("RMSNormalization")},
		{"simplified_layer_norm", onnx("SimplifiedLayerNormalization")},
		{"simplified_layer_norm/microsoft", graph.OpID{Domain: microsoft, Type: "SimplifiedLayerNormalization"}},
	} {
		Register(Kernel{
			Name: k.name, Op: k.id, InPlace: []int{0}, Tol: Tol{Abs: 1e-5, Rel: 2e-5}, Half: halfAmong([]int{0}, []int{0}), Scratch: normRowRooms,
			When: func(n *graph.Node) bool {
				c, ok := normRow(n, n.In[0])
				return ok && allFloat(n) && sized(n.In[1], c)
			},
			Bind: bindRMSNorm,
		})
	}
	for _, k := range []skipNorm{
		{name: "skip_layer_norm", typ: "SkipLayerNormalization", beta: 3, bias: 4},
		{name: "skip_simplified_layer_norm", typ: "SkipSimplifiedLayerNormalization", rms: true, beta: -1, bias: 3},
	} {
		Register(Kernel{
			Name: k.name, Op: graph.OpID{Domain: microsoft, Type: k.typ}, InPlace: []int{0, 1}, Tol: Tol{Abs: 1e-5, Rel: 2e-5},
			When: func(n *graph.Node) bool {
				return allFloat32(n) && nonEmpty(n) && n.In[1].Type.Shape.Equal(n.In[0].Type.Shape) &&
					(n.Input(k.bias) == nil || n.In[k.bias].Type.Shape.Equal(n.In[2].Type.Shape))
			},
			Bind: k.bind,
		})
	}
}

// inverseRoot is 1/sqrt(mean of x² + eps).
func inverseRoot(x []float32, eps float64) float32 {
	return float32(1 / math.Sqrt(linalg.SumSquares(x)/float64(len(x))+eps))
}

func bindRMSNorm(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, scale, y, invstd := vectorOf(in[0]), in[1].F32(), vectorOf(out[0]), elements(out, 1)
	c, eps := len(scale), n.Attrs.Float("epsilon", 1e-5)
	rooms := roomsIn(s, 1, c)
	body := func(worker, lo, hi int) {
		room := rooms.of(worker, 0)
		for i := lo; i < hi; i++ {
			from, row := x.read(room, i*c, i*c+c), y.place(room, i*c, i*c+c)
			inv := inverseRoot(from, eps)
			mulVS(row, from, inv)
			mulVV(row, row, scale)
			y.put(row, i*c, i*c+c)
			if invstd != nil {
				invstd[i] = inv
			}
		}
	}
	return func() error {
		s.Pool.For(x.len()/c, max(1, chunk/c), body)
		return nil
	}, nil
}

// skipNorm is a residual connection and the norm behind it: y = norm(x + skip + bias)*gamma + beta along the last axis. The
// outputs are y, mean, inverse standard deviation, and the sum.
type skipNorm struct {
	name, typ  string
	rms        bool
	beta, bias int // inputs; -1: there is none
}

func (k skipNorm) bind(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, skip, gamma, bias := in[0].F32(), in[1].F32(), in[2].F32(), elements(in, k.bias)
	y, means, invstds, sums := out[0].F32(), elements(out, 1), elements(out, 2), elements(out, 3)
	var beta []float32
	if k.beta >= 0 {
		beta = elements(in, k.beta)
	}
	c, eps := len(gamma), n.Attrs.Float("epsilon", 1e-12)
	body := func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			row := y[i*c:][:c]
			addVV(row, x[i*c:][:c], skip[i*c:][:c])
			if bias != nil {
				addVV(row, row, bias)
			}
			if sums != nil {
				copy(sums[i*c:][:c], row)
			}
			mean, inv := float32(0), float32(0)
			if k.rms {
				inv = inverseRoot(row, eps)
			} else {
				mean, inv = moments(row, eps)
			}
			linalg.ShiftScale(row, row, -mean, inv)
			mulVV(row, row, gamma)
			if beta != nil {
				addVV(row, row, beta)
			}
			if means != nil {
				means[i] = mean
			}
			if invstds != nil {
				invstds[i] = inv
			}
		}
	}
	return func() error {
		s.Pool.For(len(x)/c, max(1, chunk/c), body)
		return nil
	}, nil
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	add := commutative(linalg.Add, linalg.AddScalar)
	Register(Kernel{
		Name: "sum", Op: onnx("Sum"), Rank: 1, InPlace: []int{0}, When: oneShape,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindSum(in, out[0], 1, s), nil
		},
		loops: func(*graph.Node) loops { return loops{two: add} },
	})
	Register(Kernel{
		Name: "mean", Op: onnx("Mean"), Rank: 1, InPlace: []int{0}, When: oneShape,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindSum(in, out[0], 1/float32(len(in)), s), nil
		},
		loops: func(*graph.Node) loops { return loops{two: add, mean: true} },
	})
	registerFold("sum/broadcast", "Sum", add, false)
	registerFold("mean/broadcast", "Mean", add, true)
	registerFold("max/fold", "Max", commutative(linalg.Maximum, linalg.MaxScalar), false)
	registerFold("min/fold", "Min", commutative(linalg.Minimum, linalg.MinScalar), false)
}

func oneShape(n *graph.Node) bool {
	for _, v := range n.In {
		if !v.Type.Shape.Equal(n.Out[0].Type.Shape) {
			return false
		}
	}
	return allFloat32(n)
}

// bindSum adds tensors of one shape up chunk by chunk and scales the sum.
func bindSum(in []*tensor.Tensor, out *tensor.Tensor, scale float32, s Scratch) func() error {
	y := out.F32()
	var x [][]float32
	for _, t := range in {
		x = append(x, t.F32())
	}
	body := func(_, lo, hi int) {
		to := y[lo:hi]
		if len(x) == 1 {
			copy(to, x[0][lo:hi])
			return
		}
		addVV(to, x[0][lo:hi], x[1][lo:hi])
		for _, x := range x[2:] {
			addVV(to, to, x[lo:hi])
		}
		if scale != 1 {
			mulVS(to, to, scale)
		}
	}
	return func() error {
		s.Pool.For(len(y), chunk, body)
		return nil
	}
}

// registerFold registers an operator that joins any number of tensors that broadcast, one after the other.
func registerFold(name, typ string, f binary, mean bool) {
	Register(Kernel{
		Name: name, Op: onnx(typ), Rank: -1, When: allFloat32,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			y := out[0]
			move := bindMove(s.Pool, y.Shape, whole(y), box{in[0], 0, in[0].Shape.BroadcastStrides(y.Shape)})
			steps := []func() error{func() error { move(); return nil }}
			for _, t := range in[1:] {
				steps = append(steps, f.bind(y, t, y, s))
			}
			if mean {
				share := 1 / float32(len(in))
				steps = append(steps, bindMap(s.Pool, y.F32(), y.F32(), func(dst, x []float32) { mulVS(dst, x, share) }))
			}
			return func() error {
				for _, step := range steps {
					if err := step(); err != nil {
						return err
					}
				}
				return nil
			}, nil
		},
		loops: func(*graph.Node) loops { return loops{two: f, mean: mean} },
	})
}

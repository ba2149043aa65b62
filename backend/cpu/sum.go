package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	add := commutative(linalg.Add, linalg.AddScalar)
	Register(Kernel{
		Name: "sum", Op: onnx("Sum"), Rank: 1, InPlace: []int{0}, When: oneShape, Half: hasHalf, Scratch: elementRooms,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindFold(linalg.Add, in, out[0], 1, s), nil
		},
		loops: func(*graph.Node) loops { return loops{two: add} },
	})
	Register(Kernel{
		Name: "mean", Op: onnx("Mean"), Rank: 1, InPlace: []int{0}, When: oneShape, Half: hasHalf, Scratch: elementRooms,
		Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return bindFold(linalg.Add, in, out[0], 1/float32(len(in)), s), nil
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
	return allFloat(n)
}

// bindFold joins tensors of one shape chunk by chunk and scales the result.
func bindFold(join func(dst, a, b []float32), in []*tensor.Tensor, out *tensor.Tensor, scale float32, s Scratch) func() error {
	y, room := vectorOf(out), roomsIn(s, 2, halfBlock)
	var x []vector
	for _, t := range in {
		x = append(x, vectorOf(t))
	}
	step := min(stepOf(y), stepOf(x...))
	body := func(worker, lo, hi int) {
		first, second := room.of(worker, 0), room.of(worker, 1)
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			to := y.place(first, lo, end)
			from := x[0].read(first, lo, end)
			if len(x) == 1 {
				copy(to, from)
			}
			for i := range x[1:] {
				join(to, from, x[i+1].read(second, lo, end))
				from = to
			}
			if scale != 1 {
				mulVS(to, to, scale)
			}
			y.put(to, lo, end)
		}
	}
	return func() error {
		s.Pool.For(y.len(), chunk, body)
		return nil
	}
}

// registerFold registers an operator that joins any number of tensors that broadcast, one after the other.
func registerFold(name, typ string, f binary, mean bool) {
	Register(Kernel{
		Name: name, Op: onnx(typ), Rank: -1, When: allFloat, Half: oneShape, Scratch: elementRooms,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			y, share := out[0], float32(1)
			if mean {
				share = 1 / float32(len(in))
			}
			if oneShape(n) {
				return bindFold(f.vv, in, y, share, s), nil
			}
			move := bindMove(s.Pool, y.Shape, whole(y), box{in[0], 0, in[0].Shape.BroadcastStrides(y.Shape)})
			steps := []func() error{func() error { move(); return nil }}
			for _, t := range in[1:] {
				steps = append(steps, f.bind(y, t, y, s))
			}
			if mean {
				steps = append(steps, bindMap(s, y, y, func(dst, x []float32) { mulVS(dst, x, share) }))
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

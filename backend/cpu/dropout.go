package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "dropout", Op: graph.OpID{Domain: op.Internal, Type: "Dropout"}, InPlace: []int{0}, Half: hasHalf, Scratch: elementRooms,
		When: func(n *graph.Node) bool { return n.In[0].Type.DType == tensor.Float32 || isHalf(n.In[0]) },
		Bind: bindDropout,
	})
}

// bindDropout draws the numbers that the reference in graph/ops documents.
func bindDropout(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	x, y, room := vectorOf(in[0]), vectorOf(out[0]), roomsIn(s, 2, halfBlock)
	draw, step := dropOf(n, in[1]), stepOf(x, y)
	var drop linalg.Drop
	body := func(worker, lo, hi int) {
		block := room.of(worker, 0)
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			dst := y.place(block, lo, end)
			drop.Run(dst, x.read(block, lo, end), lo)
			y.put(dst, lo, end)
		}
	}
	return func() error {
		drop = draw()
		s.Pool.For(y.len(), chunk, body)
		return nil
	}, nil
}

// dropOf returns a function that gives the dropout of a node, by its attributes ratio and key, for the seed and step
// that rng holds then.
func dropOf(n *graph.Node, rng *tensor.Tensor) func() linalg.Drop {
	ratio, key, numbers := n.Attrs.Float("ratio", 0.5), uint64(n.Attrs.Int("key", 0)), rng.I64()
	drop := linalg.NewDrop(0, ratio)
	return func() linalg.Drop {
		drop.Base = randomBase(numbers, key)
		return drop
	}
}

// golden is the increment of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// randomBase is the counter that the random numbers of a node start at.
func randomBase(rng []int64, key uint64) uint64 {
	return linalg.SplitMix(linalg.SplitMix(linalg.SplitMix(uint64(rng[0])+golden)+uint64(rng[1])+golden) + key + golden)
}

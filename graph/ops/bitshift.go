package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BitShift by as many bits as there are, or by a negative number, leaves nothing but copies of the sign to the right, and
// zeros to the left.
func init() {
	unsigned := integers &^ signed
	for _, v := range []struct {
		since int
		types types
	}{{11, unsigned}, {28, integers}} {
		op.Register(op.Def{
			Type: "BitShift", Since: v.since,
			Infer: func(n *graph.Node) error {
				if d := n.Attrs.String("direction", ""); d != "LEFT" && d != "RIGHT" {
					return fmt.Errorf("attribute direction is %q instead of LEFT or RIGHT", d)
				}
				return inferPair(v.types, tensor.Invalid)(n)
			},
			Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
				f := arithmetic{ints: shiftRight[int64], uints: shiftRight[uint64]}
				if n.Attrs.String("direction", "") == "LEFT" {
					f = arithmetic{ints: shiftLeft[int64], uints: shiftLeft[uint64]}
				}
				f.fold(out[0], in[0], in[1])
				return nil
			},
			Samples: func() []op.Sample { return shiftSamples(v.since) },
		})
	}
}

// A negative distance is far beyond any width as uint64.

func shiftLeft[T int64 | uint64](x, y T) T { return x << uint64(y) }

func shiftRight[T int64 | uint64](x, y T) T { return x >> uint64(y) }

func shiftSamples(since int) []op.Sample {
	all := []op.Sample{
		with(example("left", tensor.Vector[uint8](32, 16, 0), tensor.Vector[uint8](16, 4, 1),
			tensor.Vector[uint8](1, 2, 8)), "direction", "LEFT"),
		with(example("right", tensor.Vector[uint64](1<<62, 1, 0), tensor.Vector[uint64](1<<63, 4, 1),
			tensor.Vector[uint64](1, 2, 64)), "direction", "RIGHT"),
	}
	if since >= 28 {
		all = append(all,
			with(example("signed right", tensor.Vector[int8](-4, -1, 0, -1), tensor.Vector[int8](-8, -8, 8, -8),
				tensor.Vector[int8](1, 100, 100, -1)), "direction", "RIGHT"),
			with(example("signed left", tensor.Vector[int8](-128, 0, 0), tensor.Vector[int8](1, 1, 1),
				tensor.Vector[int8](7, 8, -1)), "direction", "LEFT"))
	}
	return all
}

package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// BitCast reads the bits of elements as those of another type of the same width. Bytes read as bool become 1 where they
// are not 0, since no other bool exists here.
func init() {
	op.Register(op.Def{
		Type: "BitCast", Since: 26,
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			to, err := typeAttr(n, "to", tensor.Invalid)
			if err != nil {
				return err
			}
			if from := typeOf(n, 0); from.Size() != to.Size() {
				return fmt.Errorf("the bits of %v do not fit %v", from, to)
			}
			return set(n, 0, to, shapeOf(n, 0))
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			copy(out[0].Data, in[0].Data)
			if out[0].DType == tensor.Bool {
				out[0].SetFloat64s(out[0].Float64s())
			}
			return nil
		},
		Samples: func() []op.Sample {
			to := func(name string, want, in *tensor.Tensor) op.Sample {
				return with(example(name, want, in), "to", onnxType(want.DType))
			}
			return []op.Sample{
				to("float to int32", tensor.Vector[int32](1065353216, -1<<31), tensor.Vector[float32](1, negativeZero)),
				to("int64 to double", tensor.Vector(1.0), ints(1023<<52)),
				to("uint8 to bool", tensor.Vector(false, true, true), tensor.Vector[uint8](0, 1, 2)),
			}
		},
	})
}

var negativeZero = float32(math.Copysign(0, -1))

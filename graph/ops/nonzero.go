package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	register(op.Def{
		Type: "NonZero",
		Infer: func(n *graph.Node) error {
			if err := inputs(n, 1, 1); err != nil {
				return err
			}
			t := n.ConstInput(0)
			if t == nil {
				return fmt.Errorf("the shape of the result depends on the data of a batch through %q; only a value known before "+
					"the run is supported: replace the selection by Where with a mask", n.In[0].Name)
			}
			return set(n, 0, tensor.Int64, tensor.Shape{len(t.Shape), len(nonZero(t))})
		},
		Eval: func(_ *graph.Node, in, out []*tensor.Tensor) error {
			at := nonZero(in[0])
			strides := in[0].Shape.Strides()
			for d, dim := range in[0].Shape {
				for k, i := range at {
					out[0].I64()[d*len(at)+k] = int64(i / strides[d] % dim)
				}
			}
			return nil
		},
		Samples: func() []op.Sample {
			of := func(name string, in, want *tensor.Tensor) op.Sample {
				return op.Sample{Name: name, Const: []int{0}, In: one(in), Want: one(want)}
			}
			return []op.Sample{
				of("bool", tensor.Of(tensor.Shape{2, 2}, true, false, true, true), tensor.Of[int64](tensor.Shape{2, 3}, 0, 1, 1, 0, 0, 1)),
				of("float", floats32([]int{3}, 0, -1, 2), tensor.Of[int64](tensor.Shape{1, 2}, 1, 2)),
				of("none", ints(0, 0), tensor.New(tensor.Int64, 1, 0)),
				// Other than numpy, ONNX gives a scalar no axis.
				of("scalar", tensor.Scalar[int64](3), tensor.New(tensor.Int64, 0, 1)),
			}
		},
	}, 9, 13)
}

// nonZero lists the elements that are not zero.
func nonZero(t *tensor.Tensor) []int {
	var at []int
	for i, v := range t.Float64s() {
		if v != 0 {
			at = append(at, i)
		}
	}
	return at
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// optimizerOp registers an operator of ai.onnx.preview.training: an optimizer's step of a learning rate R and an update
// count T (from 0) on any number of tensors. Its inputs are R, T, the tensors X, their gradients G and lists of slots, and
// its outputs the new X and slots. read gives the update of one element, whose slots it changes, for a node; hyper are
// the attributes of the samples.
func optimizerOp(typ string, slots int, hyper graph.Attrs, read func(n *graph.Node) (optimizerStep, error), values ...op.Sample) {
	op.Register(op.Def{
		Domain: "ai.onnx.preview.training", Type: typ, Since: 1,
		Infer: func(n *graph.Node) error {
			if _, err := read(n); err != nil {
				return err
			}
			return inferOptimizer(n, slots)
		},
		Eval: func(n *graph.Node, in, out []*tensor.Tensor) error {
			step, err := read(n)
			if err != nil {
				return err
			}
			update(step(in[0].Float64s()[0], in[1].Int64s()[0]), slots, in[2:], out)
			return nil
		},
		Samples: func() []op.Sample {
			r, t := tensor.Scalar[float32](0.1), tensor.Scalar[int64](3)
			s := op.Sample{Name: "two tensors", Attrs: hyper, In: []*tensor.Tensor{r, t}, Outs: 2 * (1 + slots)}
			for k := range 2 + slots {
				s.In = append(s.In, op.Uniform(uint64(2*k), 0, 1, 2, 3), op.Uniform(uint64(2*k+1), 0, 1, 4))
			}
			return append([]op.Sample{s}, values...)
		},
	})
}

// optimizerStep makes the update of one element for a learning rate and a count: from x, its gradient and its slots,
// which it changes, to the new x.
type optimizerStep func(rate float64, count int64) func(x, g float64, slots []float64) float64

func inferOptimizer(n *graph.Node, slots int) error {
	if err := inputs(n, 2+2+slots, -1); err != nil {
		return err
	}
	floating := setOf(tensor.Float32, tensor.Float64)
	if err := allow(n, 0, floating); err != nil {
		return err
	}
	if err := allow(n, 1, setOf(tensor.Int64)); err != nil {
		return err
	}
	for i := range 2 {
		if s := shapeOf(n, i); s.Elems() != 1 {
			return fmt.Errorf("input %d, %q, has shape %v and should be one number", i, n.In[i].Name, s)
		}
	}
	count := (len(n.In) - 2) / (2 + slots)
	if len(n.In) != 2+count*(2+slots) || len(n.Out) > count*(1+slots) {
		return fmt.Errorf("%d inputs and %d outputs; %d lists of as many tensors and %d of results are taken",
			len(n.In), len(n.Out), 2+slots, 1+slots)
	}
	for i, v := range n.In[2:] {
		if v == nil {
			return fmt.Errorf("input %d is missing", i+2)
		}
		if x := n.In[2+i%count]; x.Type.DType != v.Type.DType || !x.Type.Shape.Equal(v.Type.Shape) {
			return fmt.Errorf("input %d, %q, is %v, and the tensor it belongs to, %q, is %v", i+2, v.Name, v.Type, x.Name, x.Type)
		}
		if err := allow(n, i+2, floating); err != nil {
			return err
		}
	}
	for i := range n.Out {
		x := n.In[2+i%count].Type
		if err := set(n, i, x.DType, x.Shape); err != nil {
			return err
		}
	}
	return nil
}

// update runs one step over lists of tensors, gradients and slots.
func update(element func(x, g float64, slots []float64) float64, slots int, in, out []*tensor.Tensor) {
	count := len(in) / (2 + slots)
	state := make([]float64, slots)
	for k := range count {
		lists := make([][]float64, 2+slots)
		for j := range lists {
			lists[j] = in[j*count+k].Float64s()
		}
		for i, x := range lists[0] {
			for j := range state {
				state[j] = lists[2+j][i]
			}
			lists[0][i] = element(x, lists[1][i], state)
			for j, s := range state {
				lists[2+j][i] = s
			}
		}
		if t := optional(out, k); t != nil {
			t.SetFloat64s(lists[0])
		}
		for j := range slots {
			if t := optional(out, (1+j)*count+k); t != nil {
				t.SetFloat64s(lists[2+j])
			}
		}
	}
}

// stepSample is a sample of one element: a learning rate, a count, x, its gradient and slots; and the new x and slots.
func stepSample(name string, attrs graph.Attrs, rate float32, count int64, in, want []float32) op.Sample {
	s := op.Sample{Name: name, Attrs: attrs, Outs: len(want), In: []*tensor.Tensor{tensor.Scalar(rate), tensor.Scalar(count)}}
	for _, v := range in {
		s.In = append(s.In, tensor.Vector(v))
	}
	for _, v := range want {
		s.Want = append(s.Want, tensor.Vector(v))
	}
	return s
}

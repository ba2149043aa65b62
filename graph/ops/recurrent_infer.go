package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// checkRecurrent checks the first inputs of a recurrent node or its gradient, of which there are count.
func checkRecurrent(n *graph.Node, count int) (Recurrence, error) {
	if err := inputs(n, 3, -1); err != nil {
		return Recurrence{}, err
	}
	if err := sameType(n, floats, 0, 1, 2, 3, 5, 6, 7); err != nil {
		return Recurrence{}, err
	}
	if err := allow(n, 4, setOf(tensor.Int32)); err != nil {
		return Recurrence{}, err
	}
	if layout := n.Attrs.Int("layout", 0); layout != 0 && layout != 1 {
		return Recurrence{}, fmt.Errorf("attribute layout is %d; 0 and 1 are known", layout)
	}
	r, err := RecurrenceOf(n)
	if err != nil {
		return r, err
	}
	wanted := []tensor.Shape{3: r.biasShape(), 4: {r.Batch}, 5: r.stateShape(), 6: r.stateShape(), 7: r.peepholeShape()}
	for i := 3; i < count; i++ {
		if v := n.Input(i); v != nil && !v.Type.Shape.Equal(wanted[i]) {
			return r, fmt.Errorf("input %d, %q, has shape %v instead of %v", i, v.Name, v.Type.Shape, wanted[i])
		}
	}
	return r, nil
}

// inferRecurrent types a node of at most count inputs and outs outputs.
func inferRecurrent(n *graph.Node, count, outs int) error {
	if err := inputs(n, 3, count); err != nil {
		return err
	}
	if len(n.Out) > outs {
		return fmt.Errorf("%d outputs, at most %d are there", len(n.Out), outs)
	}
	r, err := checkRecurrent(n, count)
	if err != nil {
		return err
	}
	for i, shape := range []tensor.Shape{r.yShape(), r.stateShape(), r.stateShape()} {
		if err := set(n, i, typeOf(n, 0), shape); err != nil {
			return err
		}
	}
	return nil
}

// inferRecurrentGrad types the gradient of a node of count inputs, which come first. Y and the gradients of the
// outputs, of which there are outs, follow.
func inferRecurrentGrad(n *graph.Node, count, outs int) error {
	if err := inputs(n, 3, count+1+outs); err != nil {
		return err
	}
	r, err := checkRecurrent(n, count)
	if err != nil {
		return err
	}
	wanted := []tensor.Shape{r.yShape(), r.yShape(), r.stateShape(), r.stateShape()}
	for i, shape := range wanted[:1+outs] {
		if v := n.Input(count + i); v != nil && !v.Type.Shape.Equal(shape) {
			return fmt.Errorf("input %d, %q, has shape %v instead of %v", count+i, v.Name, v.Type.Shape, shape)
		}
	}
	results := []tensor.Shape{shapeOf(n, 0), shapeOf(n, 1), shapeOf(n, 2), r.biasShape(), r.stateShape(), r.stateShape(), r.peepholeShape()}
	for i, shape := range results[:count-1] {
		if err := set(n, i, typeOf(n, 0), shape); err != nil {
			return err
		}
	}
	return nil
}

// gradRecurrent emits the gradient operator of a node of count inputs and outs outputs. It reads Y, which the node is
// made to give, so that it need not repeat the recurrence.
func gradRecurrent(b *op.Backward, count, outs int) {
	n := b.Node
	if n.Output(0) == nil {
		n.Out[0] = b.Graph.NewValue("", graph.Computed, graph.Type{})
		n.Out[0].Producer = n
		def, err := op.Of(n)
		if err == nil {
			err = def.Infer(n)
		}
		if fails(b, err) {
			return
		}
	}
	var in []*graph.Value
	for i := range count {
		in = append(in, n.Input(i))
	}
	in = append(in, n.Out[0])
	for i := range outs {
		in = append(in, b.Grad(i))
	}
	grads := b.Emit(op.Internal, n.Op.Type+"Grad", n.Attrs, count-1, in...)
	if b.Err != nil {
		return
	}
	for i, v := range grads {
		input := i
		if i >= 4 {
			input++ // sequence_lens has none
		}
		if b.Want(input) {
			b.Set(input, v)
		} else {
			v.Producer.Out[i] = nil // so that it is not computed
		}
	}
}

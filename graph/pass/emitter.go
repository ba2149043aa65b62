package pass

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// emitter places nodes in the expansion of n until the first error, which sticks.
type emitter struct {
	x   *expander
	n   *graph.Node
	err error
}

func (e *emitter) op(typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	return e.many(typ, attrs, 1, in...)[0]
}

// many is op for a node of outs outputs; it returns as many values in every case.
func (e *emitter) many(typ string, attrs graph.Attrs, outs int, in ...*graph.Value) []*graph.Value {
	if e.err == nil {
		var out []*graph.Value
		if out, e.err = e.x.emit(e.n, typ, attrs, outs, in...); e.err == nil {
			return out
		}
	}
	return make([]*graph.Value, outs)
}

// finish makes values the outputs of the node, unless there was an error.
func (e *emitter) finish(values []*graph.Value) error {
	if e.err != nil {
		return e.err
	}
	return e.x.results(e.n, values)
}

func (e *emitter) ints(list ...int) *graph.Value {
	t := tensor.New(tensor.Int64, len(list))
	for i, v := range list {
		t.I64()[i] = int64(v)
	}
	return e.x.g.NewConst("", t)
}

func (e *emitter) scalar(dt tensor.DType, v float64) *graph.Value {
	t := tensor.New(dt)
	t.SetFloat64s([]float64{v})
	return e.x.g.NewConst("", t)
}

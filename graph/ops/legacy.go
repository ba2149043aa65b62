package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Before opset 7 arithmetic broadcasts its second input where an attribute asks for it, and along the axes of the first
// from the attribute axis on. The versions here take what numpy's rule, that of opset 7, reads the same way.
func init() {
	for _, v := range []struct {
		typ   string
		since int
	}{{"Add", 6}, {"Sub", 6}, {"Mul", 6}, {"Div", 6}, {"Pow", 1}} {
		successor := func() op.Def {
			def, err := op.Resolve("", v.typ, 7)
			if err != nil {
				panic(err) // registered beside this
			}
			return def
		}
		op.Register(op.Def{
			Type: v.typ, Since: v.since,
			Infer: func(n *graph.Node) error {
				if err := successor().Infer(n); err != nil {
					return err
				}
				return checkLegacyBroadcast(n)
			},
			Grad:    func(b *op.Backward) { successor().Grad(b) },
			Eval:    func(n *graph.Node, in, out []*tensor.Tensor) error { return successor().Eval(n, in, out) },
			Samples: legacySamples,
		})
	}
}

func checkLegacyBroadcast(n *graph.Node) error {
	a, b := shapeOf(n, 0), shapeOf(n, 1)
	if !n.Attrs.Bool("broadcast", false) {
		if !a.Equal(b) {
			return fmt.Errorf("shapes %v and %v differ and attribute broadcast is not set", a, b)
		}
		return nil
	}
	suffix := len(a) - len(b)
	if axis := n.Attrs.Int("axis", suffix); b.Elems() != 1 && axis != suffix {
		return fmt.Errorf("shape %v is broadcast to %v from axis %d on, which is not supported; convert the model to opset 7 or newer",
			b, a, axis)
	}
	if whole, err := tensor.Broadcast(a, b); err != nil || !whole.Equal(a) {
		return fmt.Errorf("shape %v does not broadcast to %v", b, a)
	}
	return nil
}

func legacySamples() []op.Sample {
	pair := func(name string, a, b []int, attrs ...any) op.Sample {
		return op.Sample{Name: name, Attrs: graph.MakeAttrs(attrs...),
			In: []*tensor.Tensor{op.Uniform(1, 0.5, 2, a...), op.Uniform(2, 0.5, 2, b...)}}
	}
	return []op.Sample{
		pair("same shape", []int{2, 3}, []int{2, 3}),
		pair("row", []int{2, 3}, []int{3}, "broadcast", 1, "axis", 1),
		pair("column", []int{2, 3}, []int{2, 1}, "broadcast", 1),
		pair("number", []int{2, 3}, []int{1}, "broadcast", 1, "axis", 0),
	}
}

package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	expansions[[2]string{"ai.onnx.preview.training", "Gradient"}] = expansion{run: (*expander).gradientOperator, passes: true}
}

// gradientOperator expands a Gradient: the derivative of the value that the attribute y names, summed up when it has several
// elements, by those that xs names. The node's inputs, at which it is taken, must be these values themselves.
func (x *expander) gradientOperator(n *graph.Node) error {
	y, err := x.named(n.Attrs.String("y", ""))
	if err != nil {
		return err
	}
	names := slices.Concat(n.Attrs.Strings("xs"), n.Attrs.Strings("zs"))
	if len(names) != len(n.In) {
		return fmt.Errorf("it has %d inputs, and xs and zs name %d values", len(n.In), len(names))
	}
	for i, name := range names {
		if v, err := x.named(name); err != nil || v != n.In[i] {
			return fmt.Errorf("input %d is not the value %q: a gradient elsewhere than where %q was computed is not supported", i, name, y.Name)
		}
	}
	wrt := n.In[:len(n.Attrs.Strings("xs"))]
	for _, v := range wrt {
		if v.Kind == graph.Const { // what it leads to may be folded already
			return fmt.Errorf("%q is a constant, by which there is no gradient", v.Name)
		}
	}
	seed := tensor.New(y.Type.DType, y.Type.Shape...)
	ones := make([]float64, seed.Elems())
	for i := range ones {
		ones[i] = 1
	}
	seed.SetFloat64s(ones)
	grads, err := autodiff.Gradient(x.g, y, x.g.NewConst("", seed), wrt)
	if err != nil {
		return err
	}
	for i, g := range grads {
		if g == nil {
			grads[i] = x.g.NewConst("", tensor.New(wrt[i].Type.DType, wrt[i].Type.Shape...))
		}
	}
	return x.results(n, grads)
}

// named finds a value by its name in the file.
func (x *expander) named(name string) (*graph.Value, error) {
	for _, v := range x.g.Values {
		if v.Name == name && name != "" {
			return x.now(v), nil
		}
	}
	return nil, fmt.Errorf("there is no value %q", name)
}

package ops

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// PoolGeometry is the geometry of a MaxPool, AveragePool or LpPool node, or of the pooling that one of the internal
// operators MaxPoolGrad(dy, x), AveragePoolGrad(dy) with the shape of x as attribute, and LpPoolGrad(dy, x) belongs
// to. Windows of ceil mode may reach over End. The input types must be known.
func PoolGeometry(n *graph.Node) (Geometry, error) {
	x, dy := shapeOf(n, 0), tensor.Shape(nil)
	switch n.Op.Type {
	case "MaxPoolGrad", "LpPoolGrad":
		x, dy = shapeOf(n, 1), shapeOf(n, 0)
	case "AveragePoolGrad":
		x, dy = n.Attrs.Ints("shape"), shapeOf(n, 0)
	}
	if len(x) < 3 {
		return Geometry{}, fmt.Errorf("an input of shape %v; pooling needs a batch, channels and 1 to 3 spatial axes", x)
	}
	g := Geometry{Batch: x[0], InChannels: x[1], OutChannels: x[1], Group: x[1], In: x[2:].Clone()}
	if err := g.windows(n, nil); err != nil {
		return g, err
	}
	if taps := tensor.Shape(g.Kernel); taps.Check(tensor.Int8) != nil || taps.Elems() > max(mostPadded, 4*tensor.Shape(g.In).Elems()) {
		return g, fmt.Errorf("a kernel of shape %v lies on padding almost alone, the input being %v", g.Kernel, x)
	}
	if dy == nil {
		return g, g.place(n, n.Attrs.Bool("ceil_mode", false))
	}
	// A gradient's windows are where the forward node had them, whatever a formula says about their number.
	if len(dy) != len(x) || dy[0] != g.Batch || dy[1] != g.OutChannels {
		return g, fmt.Errorf("the gradient has shape %v and the input %v", dy, x)
	}
	g.Out = dy[2:].Clone()
	return g, nil
}

// mostPadded are the elements of a kernel that may be many times as large as the input.
const mostPadded = 1 << 12

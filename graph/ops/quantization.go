package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// quantized are the integer types that quantization goes to; the types of 8 bits are those of its first versions.
var (
	quantized8  = setOf(tensor.Int8, tensor.Uint8)
	quantized16 = quantized8 | setOf(tensor.Int16, tensor.Uint16)
)

// grid is how a tensor is quantized: element i has the scale and zero point index(i).
type grid struct {
	shape       tensor.Shape
	axis, block int // block 0: a number for each position along the axis; axis -1: one for all
	params      tensor.Shape
}

// gridOf reads the grid of input 0 whose scale is input 1 and whose zero point, if there is one, input 2.
func gridOf(n *graph.Node) (grid, error) {
	x, scale := shapeOf(n, 0), shapeOf(n, 1)
	g := grid{shape: x, axis: -1, params: scale}
	if z := n.Input(2); z != nil && !z.Type.Shape.Equal(scale) && (z.Type.Shape.Elems() != 1 || scale.Elems() != 1) {
		return g, fmt.Errorf("the scale has shape %v and the zero point %v", scale, z.Type.Shape)
	}
	block := n.Attrs.Int("block_size", 0)
	if block == 0 && scale.Elems() == 1 {
		return g, nil
	}
	axis, err := x.Axis(n.Attrs.Int("axis", 1))
	if err != nil {
		return g, err
	}
	g.axis, g.block = axis, block
	if block == 0 {
		if len(scale) != 1 || scale[0] != x[axis] {
			return g, fmt.Errorf("a scale of shape %v for axis %d of shape %v", scale, axis, x)
		}
		return g, nil
	}
	want := x.Clone()
	if block > 0 {
		want[axis] = (x[axis] + block - 1) / block
	}
	if block < 0 || !scale.Equal(want) {
		return g, fmt.Errorf("a scale of shape %v for blocks of %d along axis %d of shape %v", scale, block, axis, x)
	}
	return g, nil
}

// index lists, for every element, which scale it has.
func (g *grid) index() []int {
	list := make([]int, g.shape.Elems())
	if g.axis < 0 {
		return list
	}
	_, along, inner := around(g.shape, g.axis)
	for i := range list {
		a, rest := i/inner%along, i%inner
		if g.block == 0 {
			list[i] = a
		} else {
			list[i] = (i/inner/along*g.params[g.axis]+a/g.block)*inner + rest
		}
	}
	return list
}

// integerRange is the least and the largest number of an integer type of up to 16 bits.
func integerRange(dt tensor.DType) (low, high float64) {
	bits := 8 * dt.Size()
	if dt.IsSigned() {
		return -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1) - 1
	}
	return 0, math.Ldexp(1, bits) - 1
}

// saturate rounds to nearest even, moves by the zero point and limits to the type.
func saturate(x, zero float64, dt tensor.DType) float64 {
	low, high := integerRange(dt)
	return max(low, min(high, math.RoundToEven(x)+zero))
}

// rounded is x in the precision of a type.
func rounded(dt tensor.DType, x float64) float64 {
	if dt == tensor.Float32 {
		return float64(float32(x))
	}
	t := tensor.New(dt)
	t.SetFloat64s([]float64{x})
	return t.Float64s()[0]
}

// zeroPoints are the elements of a zero point, or as many zeros when it is absent.
func zeroPoints(t *tensor.Tensor, count int) []float64 {
	if t == nil {
		return make([]float64, count)
	}
	return t.Float64s()
}

// integers8 are the elements of a tensor of 8 bits less its zero point.
func integers8(t, zero *tensor.Tensor) []float64 {
	x := t.Float64s()
	if zero != nil {
		z := zero.Float64s()[0]
		for i := range x {
			x[i] -= z
		}
	}
	return x
}

// scalarInput checks that input i, if present, is one number.
func scalarInput(n *graph.Node, i int, what string) error {
	if v := n.Input(i); v != nil && v.Type.Shape.Elems() != 1 {
		return fmt.Errorf("input %d, the %s, has shape %v instead of one number", i, what, v.Type.Shape)
	}
	return nil
}

package pass

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// tables are constants that an exporter stores among the weights although nobody trains them, told by their elements:
// masks, tables of sines and cosines, frequencies and slopes of positions, and grids of coordinates. Weights, new or trained, do not look so.
type tables struct {
	angles map[*graph.Value]bool
}

func newTables(g *graph.Graph) tables {
	t := tables{map[*graph.Value]bool{}}
	var candidates []*graph.Value
	for _, v := range g.OfKind(graph.Const) {
		if isWeightLike(v) && v.Type.Shape.Elems() >= 4 && len(candidates) < mostTables && withinOne(v.Init) {
			candidates = append(candidates, v)
		}
	}
	budget := mostCompared
	for i, a := range candidates {
		first := firstOf(a.Init, 4)
		for _, b := range candidates[:i] {
			if t.angles[a] && t.angles[b] || !a.Type.Shape.Equal(b.Type.Shape) || !onCircle(first, firstOf(b.Init, 4)) {
				continue
			}
			if budget -= a.Init.Elems(); budget < 0 {
				return t
			}
			if onCircle(a.Init.Float64s(), b.Init.Float64s()) {
				t.angles[a], t.angles[b] = true, true
			}
		}
	}
	return t
}

// What is looked at in pairs is bounded: real models have a few tables, and a hostile one could have any number.
const (
	mostTables   = 2048
	mostCompared = 1 << 26 // elements
)

// firstOf are the first n elements.
func firstOf(t *tensor.Tensor, n int) []float64 {
	head := tensor.Tensor{DType: t.DType, Shape: tensor.Shape{n}, Data: t.Data[:n*t.DType.Size()]}
	return head.Float64s()
}

// blocks calls f with the elements from at on, some thousand at a time, until it returns false, and reports whether it never
// did: weights are large, and most are told from tables by their first elements.
func blocks(t *tensor.Tensor, f func(at int, x []float64) bool) bool {
	var room [4096]float64
	size := t.DType.Size()
	for at := 0; at < t.Elems(); at += len(room) {
		x := room[:min(len(room), t.Elems()-at)]
		part := tensor.Tensor{DType: t.DType, Shape: tensor.Shape{len(x)}, Data: t.Data[at*size : (at+len(x))*size]}
		part.CopyFloat64s(x)
		if !f(at, x) {
			return false
		}
	}
	return true
}

func (t tables) has(v *graph.Value) bool {
	return t.angles[v] || isMask(v.Init) || isProgression(v.Init) || isGrid(v.Init)
}

func withinOne(t *tensor.Tensor) bool {
	spread, first := false, firstOf(t, 1)[0]
	within := blocks(t, func(_ int, x []float64) bool {
		for _, e := range x {
			if !(math.Abs(e) <= 1) {
				return false
			}
			spread = spread || e != first
		}
		return true
	})
	return within && spread
}

// onCircle reports cosines and sines of the same angles.
func onCircle(a, b []float64) bool {
	for i := range a {
		if math.Abs(a[i]*a[i]+b[i]*b[i]-1) > 1e-5 {
			return false
		}
	}
	return true
}

// isProgression reports powers of a number below 1 from its power 0, as the frequencies of rotary positions, or 1, as the
// slopes of ALiBi.
func isProgression(t *tensor.Tensor) bool {
	if t.Elems() < 3 {
		return false
	}
	x := firstOf(t, 2)
	if !(x[0] <= 1 && x[1] > 0 && x[1] < x[0]) {
		return false
	}
	ratio := x[1] / x[0]
	if x[0] != 1 && math.Abs(x[0]-ratio) > 1e-5*ratio {
		return false
	}
	x = t.Float64s()
	for i := range x[1:] {
		if math.Abs(x[i+1]-ratio*x[i]) > 1e-5*x[i] || x[i+1] <= 0 {
			return false
		}
	}
	return true
}

// isGrid reports homogeneous coordinates: rows (x, y, 1) or (x, y, z, 1).
func isGrid(t *tensor.Tensor) bool {
	rank := len(t.Shape)
	for rank > 0 && t.Shape[rank-1] == 1 {
		rank--
	}
	if rank < 2 {
		return false
	}
	width := t.Shape[rank-1]
	if width < 3 || width > 4 || t.Elems() < 4*width {
		return false
	}
	if firstOf(t, width)[width-1] != 1 {
		return false
	}
	x := t.Float64s()
	varies := false
	for i := 0; i < len(x); i += width {
		if x[i+width-1] != 1 {
			return false
		}
		varies = varies || x[i] != x[0]
	}
	return varies
}

// maskedOut is what masks add to scores, at the least.
const maskedOut = -1e4

// isMask reports elements that no weight has, infinite or -1e4 and below, and triangles: every matrix is 0 on one side of the diagonal
// and nowhere on the other.
func isMask(t *tensor.Tensor) bool {
	if !blocks(t, func(_ int, x []float64) bool {
		return !slices.ContainsFunc(x, func(e float64) bool { return e <= maskedOut || math.IsInf(e, 1) })
	}) {
		return true
	}
	rank := len(t.Shape)
	if rank < 2 {
		return false
	}
	rows, columns := t.Shape[rank-2], t.Shape[rank-1]
	if rows != columns || rows < 3 {
		return false
	}
	sides := [2]struct{ zero, other bool }{} // below the diagonal, above it: whether an element is 0, or not
	blocks(t, func(at int, x []float64) bool {
		for i, e := range x {
			row, column := (at+i)/columns%rows, (at+i)%columns
			if row == column {
				continue
			}
			side := &sides[0]
			if column > row {
				side = &sides[1]
			}
			side.zero, side.other = side.zero || e == 0, side.other || e != 0
		}
		mixed := sides[0].zero && sides[0].other || sides[1].zero && sides[1].other
		return !mixed
	})
	lower, upper := sides[0], sides[1]
	return lower.zero != upper.zero && lower.other != upper.other && lower.zero != lower.other
}

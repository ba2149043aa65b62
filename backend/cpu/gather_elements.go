package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "gather_elements", Op: onnx("GatherElements"), When: smallRank,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			e, err := elementsAlong(n, in[1], in[0].Shape)
			if err != nil {
				return nil, err
			}
			switch in[0].DType.Size() {
			case 1:
				return e.bindGather(moveElements(words[uint8](out[0]), words[uint8](in[0])), s), nil
			case 2:
				return e.bindGather(moveElements(words[uint16](out[0]), words[uint16](in[0])), s), nil
			case 4:
				return e.bindGather(moveElements(words[uint32](out[0]), words[uint32](in[0])), s), nil
			}
			return e.bindGather(moveElements(words[uint64](out[0]), words[uint64](in[0])), s), nil
		},
	})
	Register(Kernel{
		Name: "scatter_elements", Op: onnx("ScatterElements"), When: scatters, InPlace: []int{0},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			e, err := elementsAlong(n, in[1], in[0].Shape)
			if err != nil {
				return nil, err
			}
			x, y, updates := in[0].Data, out[0].Data, in[2].F32()
			join := scatterJoin(n)
			to := out[0].F32()
			each := func(k, at int) { to[at] = join(to[at], updates[k]) }
			keep := func(_, lo, hi int) { copy(y[lo:hi], x[lo:hi]) }
			return func() error {
				if err := e.index.check(); err != nil {
					return err
				}
				s.Pool.For(len(y), 4*chunk, keep)
				e.visit(0, e.loops.total, each) // one after the other, as indices may meet
				return nil
			}, nil
		},
	})
}

// scatters is the When of scatter operators on float32 that replace or add.
func scatters(n *graph.Node) bool {
	how := n.Attrs.String("reduction", "none")
	return n.In[0].Type.DType == tensor.Float32 && smallRank(n) && (how == "none" || how == "add")
}

func scatterJoin(n *graph.Node) func(old, update float32) float32 {
	if n.Attrs.String("reduction", "none") == "add" {
		return func(old, update float32) float32 { return old + update }
	}
	return func(_, update float32) float32 { return update }
}

// along addresses an element of a tensor with each index: the index along one axis, and its own place along the others.
type along struct {
	index indices
	loops *nest // operands: the index, the element at index 0
	step  int
}

func elementsAlong(n *graph.Node, index *tensor.Tensor, shape tensor.Shape) (*along, error) {
	axis, err := shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return nil, err
	}
	strides := shape.Strides()
	step := strides[axis]
	strides[axis] = 0
	return &along{newIndices(index, shape[axis]), newNest(index.Shape, index.Shape.Strides(), strides), step}, nil
}

// visit calls f with the number of each index from lo to hi and the element that it addresses.
func (e *along) visit(lo, hi int, f func(k, at int)) {
	inner := e.loops.inner(1)
	e.loops.runs(lo, hi, func(at offsets, n int) {
		for i := range n {
			k := at[0] + i
			f(k, at[1]+i*inner+e.index.at(k)*e.step)
		}
	})
}

func moveElements[T bits](y, x []T) func(k, at int) { return func(k, at int) { y[k] = x[at] } }

func (e *along) bindGather(move func(k, at int), s Scratch) func() error {
	body := func(_, lo, hi int) { e.visit(lo, hi, move) }
	return func() error {
		if err := e.index.check(); err != nil {
			return err
		}
		s.Pool.For(e.loops.total, chunk, body)
		return nil
	}
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "scatter_add_rows", Op: graph.OpID{Domain: op.Internal, Type: "ScatterAddRows"},
		When: func(n *graph.Node) bool {
			return isIndex(n.In[0].Type.DType) && (n.In[1].Type.DType == tensor.Float32 || isHalf(n.In[1]))
		},
		Half: func(n *graph.Node) bool { return !isHalf(n.Out[0]) || scatterDim(n) <= scatterRows },
		Scratch: func(n *graph.Node, threads int) int {
			return roomBytes(1, scatterStrip, threads) + roomBytes(1, sumsOfScatter(n), threads)
		},
		Bind: bindScatterAddRows,
	})
}

const (
	scatterStrip = 64   // columns that are added up together
	scatterRows  = 1024 // rows of bf16 whose sums find room
)

// scatterDim is the number of rows that are added to.
func scatterDim(n *graph.Node) int {
	shape := n.Out[0].Type.Shape
	axis, err := shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return 0
	}
	return shape[axis]
}

// sumsOfScatter is the number of elements of a strip of rows that are added up before they become bf16.
func sumsOfScatter(n *graph.Node) int {
	if !isHalf(n.Out[0]) {
		return 0
	}
	return scatterStrip * scatterDim(n)
}

// bindScatterAddRows cuts rows into strips of columns and lets each chunk go through all indices in order, so that
// rows that meet are added in one order whatever the number of threads.
func bindScatterAddRows(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	shape := out[0].Shape
	axis, err := shape.Axis(n.Attrs.Int("axis", 0))
	if err != nil {
		return nil, err
	}
	index := newIndices(in[0], shape[axis])
	dy, y := vectorOf(in[1]), vectorOf(out[0])
	row, count := shape[axis+1:].Elems(), index.len()
	read, sums := roomsIn(s, 1, scatterStrip), rooms{count: 1, size: lines(sumsOfScatter(n))}
	sums.memory = floats(s.Mem)[s.Pool.Threads()*read.size:]
	strips := ceilDiv(row, scatterStrip)
	body := func(worker, lo, hi int) {
		sums := sums.of(worker, 0)
		for i := lo; i < hi; i++ {
			o, from := i/strips, i%strips*scatterStrip
			to := min(from+scatterStrip, row)
			sum := func(k int) []float32 {
				room := sums[min(k*scatterStrip, len(sums)):]
				return y.place(room, (o*index.dim+k)*row+from, (o*index.dim+k)*row+to)
			}
			for k := range index.dim {
				clear(sum(k))
			}
			for k := range count {
				dst := sum(index.at(k))
				addVV(dst, dst, dy.read(read.of(worker, 0), (o*count+k)*row+from, (o*count+k)*row+to))
			}
			for k := range index.dim {
				y.put(sum(k), (o*index.dim+k)*row+from, (o*index.dim+k)*row+to)
			}
		}
	}
	return func() error {
		if err := index.check(); err != nil {
			return err
		}
		s.Pool.For(shape[:axis].Elems()*strips, 1, body)
		return nil
	}, nil
}

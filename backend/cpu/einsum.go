package cpu

import (
	"cmp"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "einsum", Op: onnx("Einsum"), Tol: Tol{Abs: 2e-5, Rel: 2e-5},
		When: func(n *graph.Node) bool {
			_, ok := einsumOf(n)
			return ok
		},
		Scratch: func(n *graph.Node, threads int) int {
			e, _ := einsumOf(n)
			bytes := 4 * e.call().Work(threads)
			for i := range e.operands {
				bytes += e.operands[i].room()
			}
			return bytes
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			e, _ := einsumOf(n)
			return e.bind(in, out[0], s), nil
		},
	})
}

// einsumProduct is an equation of two operands as a batch of matrix products C = A*B; operands are A, B and C.
type einsumProduct struct {
	operands [3]einsumOperand
	count    int
}

// einsumOperand is a batch of matrices in a tensor. Those whose rows or columns are no single stride apart lie in
// scratch, in order, and are moved there or from there.
type einsumOperand struct {
	input int // of the node
	mat   linalg.Mat
	batch linalg.Batch

	moved         bool
	dims, strides []int // of batch, rows and columns, and the strides that the tensor has for them
}

// einsumOf classes the labels of a node: the batch is in both operands and the result, rows and columns are in one
// operand and the result, and depth is summed over. An equation with other labels has no product.
func einsumOf(n *graph.Node) (*einsumProduct, bool) {
	if len(n.In) != 2 || !allFloat32(n) || !nonEmpty(n) || n.Out[0].Type.Shape.Elems() == 0 {
		return nil, false
	}
	e, err := ops.EinsumOf(n)
	if err != nil {
		return nil, false
	}
	a, b := e.Strides(0, n.In[0].Type.Shape), e.Strides(1, n.In[1].Type.Shape)
	c := append(n.Out[0].Type.Shape.Strides(), make([]int, len(e.Size)-e.Outs)...)
	var batch, rows, cols, depth []int
	for l, size := range e.Size {
		summed := l >= e.Outs
		switch {
		case size == 1:
		case summed && a[l] != 0 && b[l] != 0:
			depth = append(depth, l)
		case summed:
			return nil, false
		case a[l] != 0 && b[l] != 0:
			batch = append(batch, l)
		case a[l] != 0:
			rows = append(rows, l)
		default:
			cols = append(cols, l)
		}
	}
	slices.SortFunc(depth, func(x, y int) int { return cmp.Compare(a[y], a[x]) })
	p := &einsumProduct{count: product(e.Size, batch), operands: [3]einsumOperand{
		placed(e.Size, a, batch, rows, depth), placed(e.Size, b, batch, depth, cols), placed(e.Size, c, batch, rows, cols),
	}}
	p.operands[1].input = 1
	p.orient()
	return p, true
}

// orient computes the transposed product where that gives the result contiguous rows.
func (e *einsumProduct) orient() {
	if c := e.operands[2].mat; c.ColStride == 1 || c.RowStride != 1 {
		return
	}
	for i := range e.operands {
		e.operands[i].mat = e.operands[i].mat.T()
	}
	e.operands[0], e.operands[1] = e.operands[1], e.operands[0]
}

// product is the number of combinations of some labels.
func product(size, labels []int) int {
	n := 1
	for _, l := range labels {
		n *= size[l]
	}
	return n
}

// placed finds the matrices of a tensor with the given strides.
func placed(size, strides, batch, rows, cols []int) einsumOperand {
	m, n := product(size, rows), product(size, cols)
	rowStride, rowsMerge := merged(size, strides, rows)
	colStride, colsMerge := merged(size, strides, cols)
	if rowsMerge && colsMerge {
		return einsumOperand{
			mat:   linalg.Mat{Rows: m, Cols: n, RowStride: rowStride, ColStride: colStride},
			batch: linalg.Batch{Offsets: offsetsOf(size, strides, batch)},
		}
	}
	o := einsumOperand{moved: true, mat: linalg.RowMajor(nil, m, n), batch: linalg.Batch{Stride: m * n}}
	for _, l := range slices.Concat(batch, rows, cols) {
		o.dims, o.strides = append(o.dims, size[l]), append(o.strides, strides[l])
	}
	return o
}

// merged is the stride of labels walked together as one, if they have one. One that has no labels is its own row.
func merged(size, strides, labels []int) (stride int, ok bool) {
	if len(labels) == 0 {
		return 1, true
	}
	for i, l := range labels[1:] {
		if strides[labels[i]] != size[l]*strides[l] {
			return 0, false
		}
	}
	return strides[labels[len(labels)-1]], true
}

// offsetsOf lists where every combination of some labels begins.
func offsetsOf(size, strides, labels []int) []int {
	offsets := []int{0}
	for _, l := range labels {
		var next []int
		for _, at := range offsets {
			for i := range size[l] {
				next = append(next, at+i*strides[l])
			}
		}
		offsets = next
	}
	return offsets
}

// room is the scratch memory of a moved operand in bytes, in whole cache lines.
func (o *einsumOperand) room() int {
	if !o.moved {
		return 0
	}
	return ceilDiv(4*tensor.Shape(o.dims).Elems(), 64) * 64
}

func (e *einsumProduct) call() *linalg.GemmCall {
	a, b, c := &e.operands[0], &e.operands[1], &e.operands[2]
	return &linalg.GemmCall{A: a.mat, B: b.mat, C: c.mat, Alpha: 1, Count: e.count, ABatch: a.batch, BBatch: b.batch, CBatch: c.batch}
}

// bind moves operands to scratch, multiplies, and moves the result from it, each where needed.
func (e *einsumProduct) bind(in []*tensor.Tensor, out *tensor.Tensor, s Scratch) func() error {
	call, mem := e.call(), s.Mem
	mats := [3]*linalg.Mat{&call.A, &call.B, &call.C}
	var moves [3]func()
	for i := range e.operands {
		o, t := &e.operands[i], out
		if i < 2 {
			t = in[o.input]
		}
		mats[i].Data = t.F32()
		if !o.moved {
			continue
		}
		inOrder := &tensor.Tensor{DType: tensor.Float32, Shape: o.dims, Data: mem[:4*t.Elems()]}
		mem = mem[o.room():]
		mats[i].Data = inOrder.F32()
		from, to := box{t, 0, o.strides}, whole(inOrder)
		if i == 2 {
			from, to = to, from
		}
		moves[i] = bindMove(s.Pool, o.dims, to, from)
	}
	work := floats(mem)
	return func() error {
		for _, move := range moves[:2] {
			if move != nil {
				move()
			}
		}
		call.Run(s.Pool, work)
		if moves[2] != nil {
			moves[2]()
		}
		return nil
	}
}

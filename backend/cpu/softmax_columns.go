package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	for _, k := range []struct {
		name    string
		id      graph.OpID
		inPlace []int
		tol     Tol
		strip   func(v *columnStrip)
	}{
		{"softmax/columns", onnx("Softmax"), []int{0}, Tol{Abs: 2e-6, Rel: 1e-5}, softmaxColumns},
		{"log_softmax/columns", onnx("LogSoftmax"), []int{0}, Tol{Abs: 2e-6, Rel: 1e-5}, logSoftmaxColumns},
		{"softmax_grad/columns", graph.OpID{Domain: op.Internal, Type: "SoftmaxGrad"}, []int{0, 1}, Tol{}, softmaxGradColumns},
		{"log_softmax_grad/columns", graph.OpID{Domain: op.Internal, Type: "LogSoftmaxGrad"}, []int{0, 1}, Tol{}, logSoftmaxGradColumns},
	} {
		Register(Kernel{
			Name: k.name, Op: k.id, InPlace: k.inPlace, Tol: k.tol,
			When:    func(n *graph.Node) bool { _, ok := columnVectors(n); return ok },
			Scratch: func(_ *graph.Node, threads int) int { return 4 * threads * 3 * columnStripWidth },
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				shape, _ := columnVectors(n)
				return bindColumns(shape, in, out[0].F32(), k.strip, s), nil
			},
		})
	}
}

// columnStripWidth is how many vectors that lie side by side are worked on together.
const columnStripWidth = 256

// columns3 is a shape [outer, along, inner] whose vectors lie along the middle axis.
type columns3 struct{ outer, along, inner int }

// columnVectors is the shape of a softmax along another axis than the last; false for others, and for all axes from
// one on, which softmax took before opset 13.
func columnVectors(n *graph.Node) (columns3, bool) {
	shape := n.In[0].Type.Shape
	if n.Op.Domain == "" && n.Op.Since < 13 || !allFloat32(n) || !nonEmpty(n) {
		return columns3{}, false
	}
	axis, err := shape.Axis(n.Attrs.Int("axis", -1))
	if err != nil {
		return columns3{}, false
	}
	c := columns3{shape[:axis].Elems(), shape[axis], shape[axis+1:].Elems()}
	return c, c.inner > 1
}

// columnStrip is a strip of columns: rows of the operands a, b and of the result, and room for three rows.
type columnStrip struct {
	rows, stride     int
	a, b, y          []float32 // from the strip's first element on
	top, total, temp []float32
}

func (v *columnStrip) row(x []float32, k int) []float32 { return x[k*v.stride:][:len(v.top)] }

func bindColumns(shape columns3, in []*tensor.Tensor, y []float32, strip func(v *columnStrip), s Scratch) func() error {
	a, b := in[0].F32(), elements(in, 1)
	mem, work := floats(s.Mem), make([]columnStrip, s.Pool.Threads())
	strips := ceilDiv(shape.inner, columnStripWidth)
	body := func(worker, lo, hi int) {
		room := mem[3*columnStripWidth*worker:]
		for i := lo; i < hi; i++ {
			from := i % strips * columnStripWidth
			w := min(columnStripWidth, shape.inner-from)
			first := i/strips*shape.along*shape.inner + from
			v := &work[worker]
			*v = columnStrip{rows: shape.along, stride: shape.inner, a: a[first:], y: y[first:],
				top: room[:w], total: room[columnStripWidth:][:w], temp: room[2*columnStripWidth:][:w]}
			if b != nil {
				v.b = b[first:]
			}
			strip(v)
		}
	}
	grain := max(1, chunk/(shape.along*min(shape.inner, columnStripWidth)))
	return func() error {
		s.Pool.For(shape.outer*strips, grain, body)
		return nil
	}
}

// shift sets the result to a less its maximum in each column. A column of -Inf alone stays that.
func (v *columnStrip) shift() {
	copy(v.top, v.row(v.a, 0))
	for k := 1; k < v.rows; k++ {
		linalg.Maximum(v.top, v.top, v.row(v.a, k))
	}
	linalg.MaxScalar(v.top, v.top, -math.MaxFloat32)
	for k := range v.rows {
		linalg.Sub(v.row(v.y, k), v.row(v.a, k), v.top)
	}
}

// leastTotal stands for the sum of the exponentials of a column of -Inf alone; that of others is at least 1.
const leastTotal = 0x1p-100

func softmaxColumns(v *columnStrip) {
	v.shift()
	clear(v.total)
	for k := range v.rows {
		y := v.row(v.y, k)
		linalg.Exp(y, y)
		linalg.Add(v.total, v.total, y)
	}
	linalg.MaxScalar(v.total, v.total, leastTotal)
	linalg.ScalarDiv(v.total, 1, v.total)
	for k := range v.rows {
		y := v.row(v.y, k)
		linalg.Mul(y, y, v.total)
	}
}

func logSoftmaxColumns(v *columnStrip) {
	v.shift()
	clear(v.total)
	for k := range v.rows {
		linalg.Exp(v.temp, v.row(v.y, k))
		linalg.Add(v.total, v.total, v.temp)
	}
	linalg.MaxScalar(v.total, v.total, leastTotal)
	linalg.Log(v.total, v.total)
	for k := range v.rows {
		y := v.row(v.y, k)
		linalg.Sub(y, y, v.total)
	}
}

// sum sets total to the sums of what add adds to top for each row. Sums of sums of few rows lose fewer bits.
func (v *columnStrip) sum(add func(v *columnStrip, k int)) {
	const few = 32
	clear(v.total)
	for k := 0; k < v.rows; k += few {
		clear(v.top)
		for i := k; i < min(k+few, v.rows); i++ {
			add(v, i)
		}
		linalg.Add(v.total, v.total, v.top)
	}
}

// softmaxGradColumns writes y*(dy - sum(dy*y)), of a, which is dy, and b, which is y.
func softmaxGradColumns(v *columnStrip) {
	v.sum(func(v *columnStrip, k int) { linalg.MulAdd(v.top, v.row(v.a, k), v.row(v.b, k)) })
	for k := range v.rows {
		linalg.Sub(v.temp, v.row(v.a, k), v.total)
		linalg.Mul(v.row(v.y, k), v.temp, v.row(v.b, k))
	}
}

// logSoftmaxGradColumns writes dy - exp(y)*sum(dy).
func logSoftmaxGradColumns(v *columnStrip) {
	v.sum(func(v *columnStrip, k int) { linalg.Add(v.top, v.top, v.row(v.a, k)) })
	for k := range v.rows {
		linalg.Exp(v.temp, v.row(v.b, k))
		linalg.Mul(v.temp, v.temp, v.total)
		linalg.Sub(v.row(v.y, k), v.row(v.a, k), v.temp)
	}
}

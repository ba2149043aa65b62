package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registerSoftmax("softmax", onnx("Softmax"), softmaxRow)
	registerSoftmax("log_softmax", onnx("LogSoftmax"), logSoftmaxRow)
	registerSoftmaxGrad("softmax_grad", "SoftmaxGrad", softmaxGradRow)
	registerSoftmaxGrad("log_softmax_grad", "LogSoftmaxGrad", logSoftmaxGradRow)
}

// A row of -Inf alone, such as the scores of a row of attention that is masked as a whole, has no softmax. It becomes
// zeros, as NaN would spread to every weight of the model.

// softmaxRow writes the softmax of x; dst may be x.
func softmaxRow(dst, x []float32) {
	top := linalg.Max(x)
	if math.IsInf(float64(top), -1) {
		clear(dst)
		return
	}
	linalg.Scale(dst, dst, 1/linalg.ExpShiftSum(dst, x, top))
}

// logSoftmaxRow needs dst as room for the exponentials, so dst may not be x. The maximum is taken off by itself, so that
// a large one costs no digits.
func logSoftmaxRow(dst, x []float32) {
	top := linalg.Max(x)
	if math.IsInf(float64(top), -1) {
		copy(dst, x)
		return
	}
	total := linalg.ExpShiftSum(dst, x, top)
	linalg.AddScalar(dst, x, -top)
	linalg.AddScalar(dst, dst, -float32(math.Log(float64(total))))
}

// softmaxGradRow writes y*(dy - sum(dy*y)); dst may be either.
func softmaxGradRow(dst, dy, y []float32) { linalg.ShiftMul(dst, dy, -linalg.Dot(dy, y), y) }

// logSoftmaxGradRow writes dy - exp(y)*sum(dy); dst may be neither.
func logSoftmaxGradRow(dst, dy, y []float32) {
	linalg.Exp(dst, y)
	linalg.Affine2(dst, 1, dy, -linalg.Sum(dy), dst, 0)
}

// softmaxRows is the length of a row when the node works along contiguous rows, 0 otherwise. Before opset 13 the
// operators flatten everything from the axis on into the row; the gradients work along one axis always.
func softmaxRows(n *graph.Node) int {
	shape := n.In[0].Type.Shape
	flatten, absent := false, -1
	if n.Op.Domain == "" && n.Op.Since < 13 {
		flatten, absent = true, 1
	}
	axis, err := shape.Axis(n.Attrs.Int("axis", absent))
	if err != nil || !nonEmpty(n) || !flatten && shape[axis+1:].Elems() != 1 {
		return 0
	}
	return shape[axis:].Elems()
}

func softmaxFits(n *graph.Node) bool { return allFloat(n) && softmaxRows(n) > 0 }

// softmaxRooms is the Scratch of softmaxes of rows: those of up to three operands.
func softmaxRooms(n *graph.Node, threads int) int {
	if !hasHalf(n) {
		return 0
	}
	return roomBytes(3, softmaxRows(n), threads)
}

func registerSoftmax(name string, id graph.OpID, row func(dst, x []float32)) {
	k := Kernel{
		Name: name, Op: id, When: softmaxFits, Half: hasHalf, Scratch: softmaxRooms, Tol: Tol{Abs: 2e-6, Rel: 1e-5},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			x, y, c := vectorOf(in[0]), vectorOf(out[0]), softmaxRows(n)
			room := roomsIn(s, 3, c)
			body := func(worker, lo, hi int) {
				for i := lo * c; i < hi*c; i += c {
					to := y.place(room.of(worker, 0), i, i+c)
					row(to, x.read(room.of(worker, 1), i, i+c))
					y.put(to, i, i+c)
				}
			}
			return func() error {
				s.Pool.For(x.len()/c, chunk/c, body)
				return nil
			}, nil
		},
	}
	if id.Type == "Softmax" {
		k.InPlace = []int{0}
	}
	Register(k)
}

func registerSoftmaxGrad(name, typ string, row func(dst, dy, y []float32)) {
	k := Kernel{
		Name: name, Op: graph.OpID{Domain: op.Internal, Type: typ}, When: softmaxFits, Half: hasHalf, Scratch: softmaxRooms,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			dy, y, dx, c := vectorOf(in[0]), vectorOf(in[1]), vectorOf(out[0]), softmaxRows(n)
			room := roomsIn(s, 3, c)
			body := func(worker, lo, hi int) {
				for i := lo * c; i < hi*c; i += c {
					to := dx.place(room.of(worker, 0), i, i+c)
					row(to, dy.read(room.of(worker, 1), i, i+c), y.read(room.of(worker, 2), i, i+c))
					dx.put(to, i, i+c)
				}
			}
			return func() error {
				s.Pool.For(dx.len()/c, chunk/c, body)
				return nil
			}, nil
		},
	}
	if typ == "SoftmaxGrad" {
		k.InPlace = []int{0, 1}
	}
	Register(k)
}

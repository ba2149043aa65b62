package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	for _, k := range []struct {
		name string
		id   graph.OpID
	}{
		{"resize", onnx("Resize")},
		{"upsample", onnx("Upsample")},
		{"resize_grad", graph.OpID{Domain: op.Internal, Type: "ResizeGrad"}},
		{"pad/mirrored", onnx("Pad")},
		{"pad_grad", graph.OpID{Domain: op.Internal, Type: "PadGrad"}},
	} {
		Register(Kernel{
			Name: k.name, Op: k.id,
			When: func(n *graph.Node) bool { return resampleOf(n) != nil },
			Scratch: func(n *graph.Node, _ int) int {
				first, second := resampleOf(n).buffers()
				return 4 * (first + second)
			},
			Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
				return resampleOf(n).bind(in[0].F32(), out[0].F32(), s), nil
			},
		})
	}
}

// resample makes positions of an axis from others, one axis after the other: interpolation, or padding with elements of
// the tensor.
type resample struct{ passes []axisPass }

// axisPass is the change of one axis of [outer, in, inner].
type axisPass struct {
	ops.AxisTable
	outer, in, inner int
}

// resampleOf plans a node, nil where the kernel cannot run it.
func resampleOf(n *graph.Node) *resample {
	x, y := n.In[0].Type, n.Out[0].Type
	if x.DType != tensor.Float32 || y.DType != tensor.Float32 || !nonEmpty(n) || y.Shape.Elems() == 0 {
		return nil
	}
	tables, err := ops.AxisTables(n)
	if err != nil || len(tables) == 0 {
		return nil
	}
	// Whole rows are added up along all axes but the last. It comes first where the tensor grows, and last where it
	// shrinks, so that it is made from the smaller ones.
	if y.Shape.Elems() > x.Shape.Elems() {
		slices.Reverse(tables)
	}
	r := &resample{}
	shape := x.Shape.Clone()
	for _, t := range tables {
		r.passes = append(r.passes, axisPass{t, shape[:t.Axis].Elems(), shape[t.Axis], shape[t.Axis+1:].Elems()})
		shape[t.Axis] = len(t.Start) - 1
	}
	return r
}

func (p *axisPass) out() int { return len(p.Start) - 1 }

func (p *axisPass) elems() int { return p.outer * p.out() * p.inner }

// buffers are the elements of the two tensors between passes, which take turns.
func (r *resample) buffers() (first, second int) {
	for i, p := range r.passes[:len(r.passes)-1] {
		if i%2 == 0 {
			first = max(first, roundUp(p.elems(), 16))
		} else {
			second = max(second, roundUp(p.elems(), 16))
		}
	}
	return first, second
}

func (r *resample) bind(x, y []float32, s Scratch) func() error {
	first, _ := r.buffers()
	mem := floats(s.Mem)
	between := [2][]float32{mem[:first], mem[first:]}
	var loops []func(_, lo, hi int)
	for i := range r.passes {
		p, from, to := &r.passes[i], x, y
		if i+1 < len(r.passes) {
			to = between[i%2][:p.elems()]
		}
		loops = append(loops, func(_, lo, hi int) { p.run(to, from, lo, hi) })
		x = to
	}
	return func() error {
		for i, loop := range loops {
			p := &r.passes[i]
			s.Pool.For(p.outer, max(1, chunk/(p.inner*max(p.in, p.out()))), loop)
		}
		return nil
	}
}

// run changes the outer indices lo to hi.
func (p *axisPass) run(y, x []float32, lo, hi int) {
	out := p.out()
	for i := lo; i < hi; i++ {
		to, from := y[i*out*p.inner:][:out*p.inner], x[i*p.in*p.inner:][:p.in*p.inner]
		if p.inner == 1 {
			p.elements(to, from)
		} else {
			p.rows(to, from)
		}
	}
}

func (p *axisPass) elements(y, x []float32) {
	k := 0
	for o, last := range p.Start[1:] {
		sum := float32(0)
		for ; k < last; k++ {
			sum += p.Weight[k] * x[p.At[k]]
		}
		y[o] = sum
	}
}

func (p *axisPass) rows(y, x []float32) {
	row := func(k int) []float32 { return x[p.At[k]*p.inner:][:p.inner] }
	for o := range p.out() {
		to, k, last := y[o*p.inner:][:p.inner], p.Start[o], p.Start[o+1]
		switch {
		case k == last:
			clear(to)
			continue
		case k+1 < last:
			linalg.Affine2(to, p.Weight[k], row(k), p.Weight[k+1], row(k+1), 0)
			k++
		case p.Weight[k] == 1:
			copy(to, row(k))
		default:
			linalg.Scale(to, row(k), p.Weight[k])
		}
		for k++; k < last; k++ {
			linalg.Axpy(to, p.Weight[k], row(k))
		}
	}
}

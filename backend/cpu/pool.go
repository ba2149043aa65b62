package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "max_pool", Op: onnx("MaxPool"), Bind: planes(func(p *pool2d, _ *graph.Node) func(y, x []float32) { return p.max }),
		When: func(n *graph.Node) bool { return len(n.Out) == 1 && poolFits(n) },
	})
	Register(Kernel{
		Name: "average_pool", Op: onnx("AveragePool"), When: poolFits,
		Bind: planes(func(p *pool2d, n *graph.Node) func(y, x []float32) {
			p.countPads = n.Attrs.Bool("count_include_pad", false)
			return p.average
		}),
	})
	Register(Kernel{
		Name: "average_pool_grad", Op: graph.OpID{Domain: op.Internal, Type: "AveragePoolGrad"}, When: poolFits,
		Bind: planes(func(p *pool2d, n *graph.Node) func(y, x []float32) {
			p.countPads = n.Attrs.Bool("count_include_pad", false)
			return func(dx, dy []float32) { p.averageGrad(dx, dy) }
		}),
	})
	Register(Kernel{
		Name: "max_pool_grad", Op: graph.OpID{Domain: op.Internal, Type: "MaxPoolGrad"}, When: poolFits,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			p, _ := pool2dOf(n)
			dy, x, dx := in[0].F32(), in[1].F32(), out[0].F32()
			body := func(_, lo, hi int) {
				for i := lo; i < hi; i++ {
					from := i * p.ih * p.iw
					p.maxGrad(dx[from:][:p.ih*p.iw], dy[i*p.oh*p.ow:][:p.oh*p.ow], x[from:][:p.ih*p.iw])
				}
			}
			return func() error {
				s.Pool.For(p.count, p.grain(), body)
				return nil
			}, nil
		},
	})
}

// pool2d is the geometry of pooling over planes; one over lines has height 1.
type pool2d struct {
	count          int // planes
	ih, iw, oh, ow int
	kh, kw         int
	sh, sw         int
	dh, dw         int
	ph, pw         int // padding at the start
	qh, qw         int // and at the end
	countPads      bool
}

func poolFits(n *graph.Node) bool {
	_, ok := pool2dOf(n)
	return ok && allFloat32(n) && nonEmpty(n)
}

// grain is the number of planes a chunk of work has.
func (p *pool2d) grain() int { return max(1, chunk/max(p.ih*p.iw, 1)) }

// planes binds a function of one plane each of output and input.
func planes(make func(p *pool2d, n *graph.Node) func(y, x []float32)) func(*graph.Node, []*tensor.Tensor, []*tensor.Tensor, Scratch) (func() error, error) {
	return func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		p, _ := pool2dOf(n)
		f := make(p, n)
		x, y := in[0].F32(), out[0].F32()
		a, b := len(x)/p.count, len(y)/p.count
		body := func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				f(y[i*b:][:b], x[i*a:][:a])
			}
		}
		return func() error {
			s.Pool.For(p.count, p.grain(), body)
			return nil
		}, nil
	}
}

// window bounds the taps of an output position along one axis that lie inside of the input: the first input
// position, and the first and last tap.
func window(o, stride, pad, dilation, kernel, size int) (start, first, last int) {
	start = o*stride - pad
	if start < 0 {
		first = (-start + dilation - 1) / dilation
	}
	last = kernel
	if end := start + (kernel-1)*dilation; end >= size {
		last = 0
		if start < size {
			last = (size-start-1)/dilation + 1
		}
	}
	return start, first, max(last, first)
}

// argmax is the position of the first maximum under the window of output (r, q); NaN counts as largest. -1: no tap
// lies inside.
func (p *pool2d) argmax(x []float32, r, q int) int {
	i0, r0, r1 := window(r, p.sh, p.ph, p.dh, p.kh, p.ih)
	j0, q0, q1 := window(q, p.sw, p.pw, p.dw, p.kw, p.iw)
	best := -1
	var top float32
	for a := r0; a < r1; a++ {
		row := (i0 + a*p.dh) * p.iw
		for b := q0; b < q1; b++ {
			at := row + j0 + b*p.dw
			if v := x[at]; best < 0 || v > top || v != v && top == top {
				best, top = at, v
			}
		}
	}
	return best
}

func (p *pool2d) max(y, x []float32) {
	if p.pairs() {
		p.maxPairs(y, x)
		return
	}
	for r := range p.oh {
		for q := range p.ow {
			if at := p.argmax(x, r, q); at >= 0 {
				y[r*p.ow+q] = x[at]
			} else {
				y[r*p.ow+q] = 0
			}
		}
	}
}

func (p *pool2d) maxGrad(dx, dy, x []float32) {
	if p.pairs() {
		p.maxGradPairs(dx, dy, x)
		return
	}
	clear(dx)
	for r := range p.oh {
		for q := range p.ow {
			if at := p.argmax(x, r, q); at >= 0 {
				dx[at] += dy[r*p.ow+q]
			}
		}
	}
}

// share is one over the number of elements that an average divides by: those inside, or with padding those of the
// padded input.
func (p *pool2d) share(r, q, inside int) float32 {
	if p.countPads {
		rows := taps(r, p.sh, p.dh, p.kh, p.ih+p.ph+p.qh)
		inside = rows * taps(q, p.sw, p.dw, p.kw, p.iw+p.pw+p.qw)
	}
	return 1 / float32(max(inside, 1))
}

// taps counts the taps inside of the padded input, beyond which a window of ceil mode may reach.
func taps(o, stride, dilation, kernel, padded int) int {
	return min(kernel, max(0, (padded-o*stride+dilation-1)/dilation))
}

func (p *pool2d) average(y, x []float32) {
	if p.pairs() {
		p.averagePairs(y, x)
		return
	}
	for r := range p.oh {
		i0, r0, r1 := window(r, p.sh, p.ph, p.dh, p.kh, p.ih)
		for q := range p.ow {
			j0, q0, q1 := window(q, p.sw, p.pw, p.dw, p.kw, p.iw)
			var total float32
			for a := r0; a < r1; a++ {
				row := (i0 + a*p.dh) * p.iw
				for b := q0; b < q1; b++ {
					total += x[row+j0+b*p.dw]
				}
			}
			y[r*p.ow+q] = total * p.share(r, q, (r1-r0)*(q1-q0))
		}
	}
}

func (p *pool2d) averageGrad(dx, dy []float32) {
	if p.pairs() {
		p.averageGradPairs(dx, dy)
		return
	}
	clear(dx)
	for r := range p.oh {
		i0, r0, r1 := window(r, p.sh, p.ph, p.dh, p.kh, p.ih)
		for q := range p.ow {
			j0, q0, q1 := window(q, p.sw, p.pw, p.dw, p.kw, p.iw)
			g := dy[r*p.ow+q] * p.share(r, q, (r1-r0)*(q1-q0))
			for a := r0; a < r1; a++ {
				row := (i0 + a*p.dh) * p.iw
				for b := q0; b < q1; b++ {
					dx[row+j0+b*p.dw] += g
				}
			}
		}
	}
}

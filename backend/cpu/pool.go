package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register(Kernel{
		Name: "max_pool", Op: onnx("MaxPool"), Half: hasHalf, Scratch: planeRooms, Bind: planes(func(p *pool2d, _ *graph.Node) func(y, x []float32) { return p.max }),
		When: func(n *graph.Node) bool { return len(n.Out) == 1 && poolFits(n) },
	})
	Register(Kernel{
		Name: "average_pool", Op: onnx("AveragePool"), When: poolFits, Half: hasHalf, Scratch: planeRooms,
		Bind: planes(func(p *pool2d, n *graph.Node) func(y, x []float32) {
			p.countPads = n.Attrs.Bool("count_include_pad", false)
			return p.average
		}),
	})
	Register(Kernel{
		Name: "average_pool_grad", Op: graph.OpID{Domain: op.Internal, Type: "AveragePoolGrad"}, When: poolFits, Half: hasHalf, Scratch: planeRooms,
		Bind: planes(func(p *pool2d, n *graph.Node) func(y, x []float32) {
			p.countPads = n.Attrs.Bool("count_include_pad", false)
			return func(dx, dy []float32) { p.averageGrad(dx, dy) }
		}),
	})
	Register(Kernel{
		Name: "max_pool_grad", Op: graph.OpID{Domain: op.Internal, Type: "MaxPoolGrad"}, When: poolFits, Half: hasHalf, Scratch: planeRooms,
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			p, _ := pool2dOf(n)
			dy, x, dx := vectorOf(in[0]), vectorOf(in[1]), vectorOf(out[0])
			a, b, room := p.ih*p.iw, p.oh*p.ow, roomsIn(s, 3, p.roomElems())
			body := func(worker, lo, hi int) {
				for i := lo; i < hi; i++ {
					to := dx.place(room.of(worker, 0), i*a, (i+1)*a)
					p.maxGrad(to, dy.read(room.of(worker, 1), i*b, (i+1)*b), x.read(room.of(worker, 2), i*a, (i+1)*a))
					dx.put(to, i*a, (i+1)*a)
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
	return ok && allFloat(n) && nonEmpty(n)
}

// grain is the number of planes a chunk of work has.
func (p *pool2d) grain() int { return max(1, chunk/max(p.ih*p.iw, 1)) }

// roomElems is what the larger of an input and an output plane has.
func (p *pool2d) roomElems() int { return max(p.ih*p.iw, p.oh*p.ow) }

// planeRooms is the Scratch of pooling: a plane each of up to three operands where they are bf16.
func planeRooms(n *graph.Node, threads int) int {
	p, ok := pool2dOf(n)
	if !ok || !hasHalf(n) {
		return 0
	}
	return roomBytes(3, p.roomElems(), threads)
}

// planes binds a function of one plane each of output and input.
func planes(make func(p *pool2d, n *graph.Node) func(y, x []float32)) func(*graph.Node, []*tensor.Tensor, []*tensor.Tensor, Scratch) (func() error, error) {
	return func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		p, _ := pool2dOf(n)
		f := make(p, n)
		x, y, room := vectorOf(in[0]), vectorOf(out[0]), roomsIn(s, 3, p.roomElems())
		a, b := x.len()/p.count, y.len()/p.count
		body := func(worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				to := y.place(room.of(worker, 0), i*b, (i+1)*b)
				f(to, x.read(room.of(worker, 1), i*a, (i+1)*a))
				y.put(to, i*b, (i+1)*b)
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

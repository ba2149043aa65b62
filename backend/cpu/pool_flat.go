package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "max_pool/flat", Op: onnx("MaxPool"), Rank: 1, Half: hasHalf,
		When: func(n *graph.Node) bool { return flatPoolOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int {
			return 4*threads*3*flatPoolOf(n).room() + planeRooms(n, threads)
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			return flatPoolOf(n).bind(vectorOf(in[0]), vectorOf(out[0]), s), nil
		},
	})
}

// flatPool is maximum pooling of planes that lie in a padded one, whose elements all are centres of a window at first: the
// maximum of displaced planes, of rows and then of columns. Windows that the strides leave out cost less than loops over
// single elements.
type flatPool struct {
	pool2d
	rows, cols int // of the padded plane
	in         linalg.Weave
	out        []planeCopy
}

// flatPoolElems bounds a padded plane, so that three of them stay in the second cache.
const flatPoolElems = 32 << 10

// flatPoolOf plans a node, nil where the kernel cannot run it.
func flatPoolOf(n *graph.Node) *flatPool {
	if len(n.Out) != 1 || !poolFits(n) {
		return nil
	}
	p, _ := pool2dOf(n)
	if p.pairs() {
		return nil // a loop over pairs of rows is faster
	}
	f := &flatPool{pool2d: *p, rows: (p.oh-1)*p.sh + (p.kh-1)*p.dh + 1, cols: (p.ow-1)*p.sw + (p.kw-1)*p.dw + 1}
	if p.sw > widest || f.rows*f.cols > flatPoolElems || p.ph >= f.rows || p.pw >= f.cols || p.empty() {
		return nil
	}
	sweeper := linalg.NewSweeper()
	f.in = sweeper.Copy(min(p.iw, f.cols-p.pw))
	f.in.Rows, f.in.DstRow, f.in.SrcRow = min(p.ih, f.rows-p.ph), f.cols, p.iw
	width := p.ow
	if p.sw > 1 {
		width = sweeper.Lanes()
	}
	for q := 0; q < p.ow; q += width {
		c := planeCopy{Weave: sweeper.Copy(min(width, p.ow-q)), dst: q, src: []int{q * p.sw}}
		if p.sw > 1 {
			from := make([]int, min(width, p.ow-q))
			for l := range from {
				from[l] = l * p.sw
			}
			c.Weave = sweeper.Weave(from)
			for at := width; at <= from[len(from)-1]; at += width {
				c.src = append(c.src, q*p.sw+at)
			}
		}
		c.Rows, c.DstRow, c.SrcRow = p.oh, p.ow, p.sh*f.cols
		f.out = append(f.out, c)
	}
	return f
}

// empty reports a window that meets nothing but padding.
func (p *pool2d) empty() bool {
	for r := range p.oh {
		if _, first, last := window(r, p.sh, p.ph, p.dh, p.kh, p.ih); first == last {
			return true
		}
	}
	for q := range p.ow {
		if _, first, last := window(q, p.sw, p.pw, p.dw, p.kw, p.iw); first == last {
			return true
		}
	}
	return false
}

// room is the number of elements of one of a worker's three planes.
func (f *flatPool) room() int { return roundUp(f.rows*f.cols, 16) }

func (f *flatPool) bind(x, y vector, s Scratch) func() error {
	mem, cleared := floats(s.Mem), make([]bool, s.Pool.Threads())
	read := rooms{mem[s.Pool.Threads()*3*f.room():], 3, lines(f.roomElems())}
	a, b := f.ih*f.iw, f.oh*f.ow
	body := func(worker, lo, hi int) {
		room := mem[worker*3*f.room():][:3*f.room()]
		if !cleared[worker] {
			fill(room[:f.room()], float32(math.Inf(-1)))
			cleared[worker] = true
		}
		for i := lo; i < hi; i++ {
			to := y.place(read.of(worker, 0), i*b, (i+1)*b)
			f.plane(to, x.read(read.of(worker, 1), i*a, (i+1)*a), room)
			y.put(to, i*b, (i+1)*b)
		}
	}
	return func() error {
		clear(cleared)
		s.Pool.For(f.count, f.grain(), body)
		return nil
	}
}

func (f *flatPool) plane(y, x, room []float32) {
	n := f.room()
	padded, rows, both := room[:n], room[n:2*n], room[2*n:]
	in := f.in
	in.Dst, in.Src[0] = padded[f.ph*f.cols+f.pw:], x
	in.Run()
	// Results that reach over the end of a row are none of a window's.
	rows = displacedMax(rows, padded[:f.rows*f.cols], f.kh, f.dh*f.cols)
	both = displacedMax(both, rows, f.kw, f.dw)
	for i := range f.out {
		c := &f.out[i]
		out := c.Weave
		out.Dst = y[c.dst:]
		for k, at := range c.src {
			out.Src[k] = tail(both, at)
		}
		out.Run()
	}
}

// displacedMax is the maximum of x displaced by 0 to taps-1 steps, in dst where there are more than one.
func displacedMax(dst, x []float32, taps, step int) []float32 {
	if taps == 1 {
		return x
	}
	dst = dst[:len(x)-(taps-1)*step]
	linalg.Maximum(dst, x, x[step:])
	for k := 2; k < taps; k++ {
		linalg.Maximum(dst, dst, x[k*step:])
	}
	return dst
}

package cpu

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "conv_grad_weight/depthwise", Op: graph.OpID{Domain: op.Internal, Type: "ConvGradWeight"}, Rank: 2,
		Tol:     Tol{Abs: 1e-4, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return depthwiseOf(n) != nil },
		Scratch: func(n *graph.Node, threads int) int { return 4 * threads * depthwiseOf(n).weightRoom() },
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			r := &depthwiseWeight{depthwise: depthwiseOf(n), dy: in[0].F32(), x: in[1].F32(), dw: out[0].F32(), rooms: floats(s.Mem)}
			r.cleared = make([]bool, s.Pool.Threads())
			r.rowCopy = linalg.NewSweeper().Copy(r.ow)
			r.rowCopy.Rows, r.rowCopy.DstRow, r.rowCopy.SrcRow = r.oh, r.in.pitch, r.ow
			grain := max(1, chunk/(r.n*r.in.plane()*r.in.sh*r.in.sw))
			correlate := r.correlate
			return func() error {
				clear(r.cleared)
				s.Pool.For(r.g, grain, correlate)
				return nil
			}, nil
		},
	})
}

// depthwiseWeight is the gradient of a depthwise convolution's filters: for every tap the dot product of dy with the
// planes displaced by it. dy lies at the pitch of the planes, with zeros between its rows.
type depthwiseWeight struct {
	*depthwise
	dy, x, dw []float32
	rooms     []float32
	cleared   []bool
	rowCopy   linalg.Weave // of dy to the pitch of the planes
}

// weightRoom is the number of elements of a worker's memory: totals in float64, partial sums, planes and dy.
func (d *depthwise) weightRoom() int {
	return roundUp((2+linalg.TapLanes)*len(d.taps)+d.in.size()+d.flatRoom(), linalg.TapLanes)
}

func (r *depthwiseWeight) correlate(worker, lo, hi int) {
	taps := len(r.taps)
	room := r.rooms[worker*r.weightRoom():][:r.weightRoom()]
	totals := unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(room))), taps)
	sums, room := room[2*taps:][:linalg.TapLanes*taps], room[(2+linalg.TapLanes)*taps:]
	planes, flat := room[:r.in.size()], room[r.in.size():][:r.flatRoom()]
	if !r.cleared[worker] {
		clear(planes)
		clear(flat)
		r.cleared[worker] = true
	}
	filter := len(r.dw) / r.g
	for c := lo; c < hi; c++ {
		clear(totals)
		for i := range r.groups {
			r.group(c, i, planes, flat, sums)
			for t := range totals {
				for _, v := range sums[linalg.TapLanes*t:][:linalg.TapLanes] {
					totals[t] += float64(v)
				}
			}
		}
		dw := r.dw[c*filter:][:filter]
		clear(dw)
		for t, tap := range r.taps {
			dw[tap] = float32(totals[t])
		}
	}
}

// group sets sums to those of group i of the images.
func (r *depthwiseWeight) group(c, i int, planes, flat, sums []float32) {
	first, count := r.images(i)
	at, from, to := first*r.g+c, r.ih*r.iw, r.oh*r.ow
	r.in.fill(planes, r.x[at*from:], count, r.g*from)
	rows := r.rowCopy
	rows.Dst, rows.Src[0] = flat, r.dy[at*to:]
	rows.Planes, rows.DstPlane, rows.SrcPlane = count, r.in.plane(), r.g*to
	rows.Run()
	n := r.flat(count)
	row := flat[:roundUp(n, linalg.TapLanes)]
	clear(row[n:]) // where a group of more images had elements
	clear(sums)
	linalg.TapDots(sums, row, planes, r.sets[0].offsets)
}

package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registerAttention("fused_attention", "FusedAttention", [2]Tol{{1e-5, 1e-5}, {1.0 / 128, 1.0 / 128}}, 0, bindAttention,
		func(a *attention) int { return a.room(1) })
}

// registerAttention registers a kernel of a node whose queries are input q, with room float32s a worker, and its twin that takes
// bf16.
func registerAttention(name, typ string, tols [2]Tol, q int, bind binder, room func(a *attention) int) {
	k := Kernel{
		Name: name, Op: graph.OpID{Domain: op.Internal, Type: typ}, Tol: tols[0], Bind: bind,
		When:    func(n *graph.Node) bool { return !hasHalf(n) && attentionFits(n, q) },
		Scratch: func(n *graph.Node, threads int) int { return 4 * threads * room(newAttention(n, q)) },
	}
	Register(k)
	k.Name += "/bf16"
	k.Tol = tols[1] // the products round weights and their gradients, too
	k.Half = halfAmong([]int{0, 1, 2, q + 2}, []int{0, 1, 2})
	k.When = func(n *graph.Node) bool { return hasHalf(n) && attentionFits(n, q) }
	Register(k)
}

type binder = func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error)

// attention is one FusedAttention or its gradient. A task computes all scores of a block of queries at once, which stay
// in its worker's cache; the weights of all queries never exist in memory.
type attention struct {
	batch, heads, queries, keys int
	size, width                 int // of a head of queries and keys, and of values
	scale                       float32
	rows                        int   // queries of a block
	blocks                      int   // of queries of a head
	half                        bool  // products in bf16
	seen                        []int // by block: the keys before the first that a constant mask bars for good
	q, k, v                     operand
	mask                        []float32
	strides                     []int // of mask over [batch, heads, queries, keys]
	packed                      bool
	dropped                     bool
	drop                        linalg.Drop
}

const (
	attentionRows = 128 // queries of a block
	maskedRows    = 64  // under a constant mask, where smaller blocks leave out more of what it bars
)

// attentionFits reports a node of float32 or bf16, with queries in input q, that has something to compute.
func attentionFits(n *graph.Node, q int) bool {
	for _, v := range n.In[q : q+3] {
		if v == nil && n.Attrs.Bool("packed", false) {
			continue
		}
		if v.Type.DType != tensor.Float32 && !isHalf(v) || v.Type.Shape.Elems() == 0 {
			return false
		}
	}
	return true
}

// newAttention reads the shapes of a node whose queries are input q.
func newAttention(n *graph.Node, q int) *attention {
	s := n.In[q].Type.Shape
	a := &attention{batch: s[0], queries: s[1], heads: s[len(s)-2], size: s[len(s)-1], packed: len(s) == 5,
		scale: float32(n.Attrs.Float("scale", 1)), rows: attentionRows, dropped: n.Input(q+4) != nil, half: hasHalf(n)}
	a.keys, a.width = a.queries, a.size
	if !a.packed {
		a.keys, a.width = n.In[q+1].Type.Shape[1], n.In[q+2].Type.Shape[3]
	}
	mask := n.ConstInput(q + 3)
	if mask != nil {
		a.rows = maskedRows
	}
	a.blocks = ceilDiv(a.queries, a.rows)
	a.rows = ceilDiv(a.queries, a.blocks)
	a.blocks = ceilDiv(a.queries, a.rows)
	a.seen = make([]int, a.blocks)
	for i := range a.seen {
		a.seen[i] = a.keys
	}
	if mask != nil {
		a.look(mask)
	}
	return a
}

// look finds the keys that no query of a block sees.
func (a *attention) look(mask *tensor.Tensor) {
	clear(a.seen)
	x, strides := mask.F32(), mask.Shape.BroadcastStrides(tensor.Shape{a.batch, a.heads, a.queries, a.keys})
	count := func(dim, stride int) int {
		if stride == 0 {
			return 1
		}
		return dim
	}
	for b := range count(a.batch, strides[0]) {
		for h := range count(a.heads, strides[1]) {
			for i := range a.queries {
				seen := &a.seen[i/a.rows]
				for j := a.keys - 1; j >= *seen; j-- {
					if !math.IsInf(float64(x[b*strides[0]+h*strides[1]+i*strides[2]+j*strides[3]]), -1) {
						*seen = j + 1
					}
				}
			}
		}
	}
	for i := range a.seen {
		a.seen[i] = max(a.seen[i], 1)
	}
}

// attach gives a its inputs, of which the first is q, and returns what a run has to call first.
func (a *attention) attach(n *graph.Node, in []*tensor.Tensor, q int) func() {
	a.q, a.k, a.v = a.operands(vectorAt(in, q), vectorAt(in, q+1), vectorAt(in, q+2))
	a.mask = elements(in, q+3)
	if a.mask != nil {
		a.strides = in[q+3].Shape.BroadcastStrides(tensor.Shape{a.batch, a.heads, a.queries, a.keys})
	}
	if !a.dropped {
		return func() {}
	}
	draw := dropOf(n, in[q+4])
	return func() { a.drop = draw() }
}

// room is the number of float32s that a worker needs for so many blocks of scores and its products.
func (a *attention) room(scores int) int {
	work := 0
	for _, s := range [][3]int{
		{a.rows, a.keys, a.size}, {a.rows, a.width, a.keys}, {a.rows, a.keys, a.width},
		{a.keys, a.width, a.rows}, {a.rows, a.size, a.keys}, {a.keys, a.size, a.rows},
	} {
		if a.half {
			call := linalg.HalfCall{A: linalg.HalfMat{Rows: s[0], Cols: s[2]}, B: linalg.HalfMat{Cols: s[1]}}
			work = max(work, call.Work(1))
		} else {
			work = max(work, linalg.GemmWork(s[0], s[1], s[2], 1))
		}
	}
	return scores*lines(a.rows*a.keys) + lines(work)
}

// lines is n rounded up to whole cache lines, so that workers do not share one.
func lines(n int) int { return (n + 15) &^ 15 }

// multiply sets c = alpha*x*y + beta*c. In bf16, what is float32 of x and y is rounded.
func (a *attention) multiply(alpha float32, x, y linalg.HalfMat, beta float32, c linalg.HalfMat, work []float32) {
	if a.half {
		call := linalg.HalfCall{A: x, B: y, C: c, Alpha: alpha, Beta: beta}
		call.Run(nil, work)
		return
	}
	linalg.Gemm(nil, alpha, inWide(x), inWide(y), beta, inWide(c), work)
}

// alpha is what products take of scale: all of it, or 1 in bf16, where rescale takes it in one pass instead of one for every row.
func (a *attention) alpha() float32 {
	if a.half {
		return 1
	}
	return a.scale
}

func (a *attention) rescale(scores []float32) {
	if a.half {
		linalg.Scale(scores, scores, a.scale)
	}
}

func inWide(m linalg.HalfMat) linalg.Mat {
	return linalg.Mat{Data: m.F32, Rows: m.Rows, Cols: m.Cols, RowStride: m.RowStride, ColStride: m.ColStride}
}

// operand is queries, keys, values, or what has their layout.
type operand struct {
	vector
	positions, position, size int // positions of a sample, elements from one to the next, and elements of a head
}

// operands are q, k and v, or what of the first is each, when they are packed.
func (a *attention) operands(q, k, v vector) (oq, ok, ov operand) {
	if !a.packed {
		return a.operand(q, a.queries, a.size), a.operand(k, a.keys, a.size), a.operand(v, a.keys, a.width)
	}
	part := func(i int) operand {
		o := a.operand(q, a.queries, a.size)
		o.vector, o.position = q.from(i*o.position), 3*o.position
		return o
	}
	return part(0), part(1), part(2)
}

func (a *attention) operand(x vector, positions, size int) operand {
	return operand{x, positions, a.heads * size, size}
}

// first is the first element of head h of a position of sample b.
func (o *operand) first(b, h, i int) int { return (b*o.positions+i)*o.position + h*o.size }

// head is the matrix of count positions of head h of sample b.
func (o *operand) head(b, h, from, count int) linalg.HalfMat {
	x := o.from(o.first(b, h, from))
	return linalg.HalfMat{F32: x.wide, BF16: x.half, Rows: count, Cols: o.size, RowStride: o.position, ColStride: 1}
}

// clear zeroes head h of sample b.
func (o *operand) clear(b, h int) {
	for i := range o.positions {
		clear(o.wide[o.first(b, h, i):][:o.size])
	}
}

// attentionBlock is a block of queries of a head with its scores.
type attentionBlock struct {
	b, h, from, rows, seen int
	scores                 []float32 // rows x seen
}

func (a *attention) block(b, h, i int, scores []float32) attentionBlock {
	t := attentionBlock{b: b, h: h, from: i * a.rows, seen: a.seen[i]}
	t.rows = min(a.rows, a.queries-t.from)
	t.scores = scores[:t.rows*t.seen]
	return t
}

func (t *attentionBlock) mat(x []float32) linalg.HalfMat {
	return linalg.RowMajor(x, t.rows, t.seen).Half()
}

// weigh computes the weights of a block, before dropout.
func (a *attention) weigh(t *attentionBlock, work []float32) {
	query, key := a.q.head(t.b, t.h, t.from, t.rows), a.k.head(t.b, t.h, 0, t.seen)
	a.multiply(a.alpha(), query, key.T(), 0, t.mat(t.scores), work)
	a.rescale(t.scores)
	for i := range t.rows {
		row := t.scores[i*t.seen:][:t.seen]
		if a.mask != nil {
			at := t.b*a.strides[0] + t.h*a.strides[1] + (t.from+i)*a.strides[2]
			if a.strides[3] == 0 {
				linalg.AddScalar(row, row, a.mask[at])
			} else {
				linalg.Add(row, row, a.mask[at:at+t.seen])
			}
		}
		softmaxRow(row, row)
	}
}

// thin is dropout of x, numbers of each score.
func (a *attention) thin(t *attentionBlock, dst, x []float32) {
	first := ((t.b*a.heads+t.h)*a.queries + t.from) * a.keys
	if t.seen == a.keys {
		a.drop.Run(dst[:t.rows*t.seen], x, first)
		return
	}
	for i := range t.rows {
		a.drop.Run(dst[i*t.seen:][:t.seen], x[i*t.seen:], first+i*a.keys)
	}
}

func bindAttention(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	a := newAttention(n, 0)
	start := a.attach(n, in, 0)
	y, mem, room := a.operand(vectorOf(out[0]), a.queries, a.width), floats(s.Mem), a.room(1)
	body := func(worker, lo, hi int) {
		mine := mem[worker*room:][:room]
		scores, work := mine[:a.rows*a.keys], mine[lines(a.rows*a.keys):]
		for task := lo; task < hi; task++ {
			t := a.block(task/a.blocks/a.heads, task/a.blocks%a.heads, task%a.blocks, scores)
			a.weigh(&t, work)
			if a.dropped {
				a.thin(&t, t.scores, t.scores)
			}
			a.multiply(1, t.mat(t.scores), a.v.head(t.b, t.h, 0, t.seen), 0, y.head(t.b, t.h, t.from, t.rows), work)
		}
	}
	return a.loop(s.Pool, start, a.batch*a.heads*a.blocks, body), nil
}

// loop runs tasks, several at once where they are small.
func (a *attention) loop(pool *par.Pool, start func(), tasks int, body func(worker, lo, hi int)) func() error {
	work := a.rows * a.keys * (a.size + a.width) * (a.batch * a.heads * a.blocks / tasks)
	grain := max(1, attentionWork/work)
	return func() error {
		start()
		pool.For(tasks, grain, body)
		return nil
	}
}

// attentionWork is the number of multiplications that are worth waking a worker.
const attentionWork = 1 << 19

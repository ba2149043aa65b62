package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "layer_norm_grad", Op: graph.OpID{Domain: op.Internal, Type: "LayerNormGrad"}, InPlace: []int{0, 1},
		Tol: Tol{Abs: 2e-5, Rel: 2e-5}, Half: halfAmong([]int{0, 1}, []int{0}),
		When: func(n *graph.Node) bool {
			c, ok := normRow(n, n.In[1])
			return ok && allFloat(n) && sized(n.In[2], c)
		},
		Scratch: func(n *graph.Node, threads int) int {
			c, _ := normRow(n, n.In[1])
			return 4 * c * (2*threads + 2*ceilDiv(n.In[1].Type.Shape.Elems()/c, normGrain(c)))
		},
		Bind: func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
			c, _ := normRow(n, n.In[1])
			return bindLayerNormGrad(c, in, out, s), nil
		},
	})
}

// normGrain is the number of rows of c elements that share partial sums over rows.
func normGrain(c int) int { return max(1, chunk/c) }

type layerNormGrad struct {
	c, rows             int
	dy, x, dx           vector
	scale, mean, invstd []float32
	dscale, dbias       []float32 // nil: not asked for
	rowRoom, partial    []float32 // two rows a thread; sums for dscale and dbias a chunk of rows
}

func bindLayerNormGrad(c int, in, out []*tensor.Tensor, s Scratch) func() error {
	g := &layerNormGrad{
		c: c, rows: in[1].Elems() / c,
		dy: vectorOf(in[0]), x: vectorOf(in[1]), scale: in[2].F32(), mean: in[3].F32(), invstd: in[4].F32(),
		dx: vectorAt(out, 0), dscale: elements(out, 1), dbias: elements(out, 2),
	}
	room := floats(s.Mem)
	g.rowRoom, g.partial = room[:2*c*s.Pool.Threads()], room[2*c*s.Pool.Threads():]
	someRows, joinColumns := g.someRows, g.joinColumns
	return func() error {
		s.Pool.For(g.rows, normGrain(c), someRows)
		s.Pool.For(c, 256, joinColumns)
		return nil
	}
}

// someRows computes, for each row, with xhat = (x-mean)*invstd and h = dy*scale,
//
//	dx = invstd * (h - mean(h) - xhat*mean(h*xhat))
//
// and sums dy*xhat and dy over its rows.
func (g *layerNormGrad) someRows(worker, lo, hi int) {
	c := g.c
	xhat, h := g.rowRoom[2*worker*c:][:c], g.rowRoom[(2*worker+1)*c:][:c]
	part := g.partial[lo/normGrain(c)*2*c:]
	dscale, dbias := part[:c], part[c:2*c]
	clear(dscale)
	clear(dbias)
	for i := lo; i < hi; i++ {
		dy := g.dy.read(h, i*c, i*c+c)
		linalg.ShiftScale(xhat, g.x.read(xhat, i*c, i*c+c), -g.mean[i], g.invstd[i])
		linalg.Add(dbias, dbias, dy)
		linalg.MulAdd(dscale, dy, xhat)
		if g.dx.absent() {
			continue
		}
		linalg.Mul(h, dy, g.scale)
		dx := g.dx.place(h, i*c, i*c+c)
		g.rowGrad(dx, h, xhat, g.invstd[i])
		g.dx.put(dx, i*c, i*c+c)
	}
}

func (g *layerNormGrad) rowGrad(dx, h, xhat []float32, invstd float32) {
	n := float32(g.c)
	a, b := linalg.Sum(h)/n, linalg.Dot(h, xhat)/n
	linalg.Affine2(dx, invstd, h, -b*invstd, xhat, -a*invstd)
}

// joinColumns adds the sums of all chunks of rows in order.
func (g *layerNormGrad) joinColumns(_, lo, hi int) {
	for k, total := range [2][]float32{g.dscale, g.dbias} {
		if total == nil {
			continue
		}
		total = total[lo:hi]
		clear(total)
		for p := k * g.c; p < len(g.partial); p += 2 * g.c {
			linalg.Add(total, total, g.partial[p+lo:p+hi])
		}
	}
}

package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	Register(Kernel{
		Name: "fused_attention_grad", Op: graph.OpID{Domain: op.Internal, Type: "FusedAttentionGrad"}, Tol: Tol{Abs: 2e-5, Rel: 2e-5},
		When:    func(n *graph.Node) bool { return attentionFits(n, 1) },
		Scratch: func(n *graph.Node, threads int) int { return 4 * threads * newAttention(n, 1).room(3) },
		Bind:    bindAttentionGrad,
	})
}

// attentionGrad is where the gradients are; those that nobody asked for have no elements.
type attentionGrad struct {
	*attention
	dy, dq, dk, dv operand
}

// bindAttentionGrad computes the weights P of a block again, which costs less than to keep them, and with D for dropout,
//
//	dV += D(P)ᵀ dY, dP = D(dY Vᵀ), dS = P(dP - rowsum(P dP)), dQ = scale dS K, dK += scale dSᵀ Q
//
// A task is a head, whose blocks add to its dK and dV in order.
func bindAttentionGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	g := attentionGrad{attention: newAttention(n, 1)}
	start := g.attach(n, in, 1)
	g.dy = g.operand(in[0].F32(), g.queries, g.width)
	g.dq, g.dk, g.dv = g.operands(elements(out, 0), elements(out, 1), elements(out, 2))
	mem, room, size := floats(s.Mem), g.room(3), lines(g.rows*g.keys)
	body := func(worker, lo, hi int) {
		mine := mem[worker*room:][:room]
		for task := lo; task < hi; task++ {
			g.head(task/g.heads, task%g.heads, mine[:size], mine[size:2*size], mine[2*size:3*size], mine[3*size:])
		}
	}
	return g.loop(s.Pool, start, g.batch*g.heads, body), nil
}

// head computes the gradients of head h of sample b; kept and change have the size of scores.
func (g *attentionGrad) head(b, h int, scores, kept, change, work []float32) {
	for _, o := range []*operand{&g.dk, &g.dv} {
		if o.x != nil {
			o.clear(b, h)
		}
	}
	for i := range g.blocks {
		t := g.block(b, h, i, scores)
		g.weigh(&t, work)
		dy := g.dy.head(b, h, t.from, t.rows)
		if g.dv.x != nil {
			weights := t.scores
			if g.dropped {
				weights = kept
				g.thin(&t, kept, t.scores)
			}
			linalg.Gemm(nil, 1, t.mat(weights).T(), dy, 1, g.dv.head(b, h, 0, t.seen), work)
		}
		if g.dq.x == nil && g.dk.x == nil {
			continue
		}
		linalg.Gemm(nil, 1, dy, g.v.head(b, h, 0, t.seen).T(), 0, t.mat(change), work)
		if g.dropped {
			g.thin(&t, change, change)
		}
		for at := 0; at < len(t.scores); at += t.seen {
			softmaxGradRow(change[at:at+t.seen], change[at:at+t.seen], t.scores[at:at+t.seen])
		}
		if g.dq.x != nil {
			linalg.Gemm(nil, g.scale, t.mat(change), g.k.head(b, h, 0, t.seen), 0, g.dq.head(b, h, t.from, t.rows), work)
		}
		if g.dk.x != nil {
			linalg.Gemm(nil, g.scale, t.mat(change).T(), g.q.head(b, h, t.from, t.rows), 1, g.dk.head(b, h, 0, t.seen), work)
		}
	}
}

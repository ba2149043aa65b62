package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

func init() {
	registerAttention("fused_attention_grad", "FusedAttentionGrad", [2]Tol{{2e-5, 2e-5}, {1.0 / 64, 1.0 / 128}}, 1, bindAttentionGrad, (*attention).gradRoom)
}

// gradRoom is three blocks of scores, and in bf16 a head of the gradients of keys and values.
func (a *attention) gradRoom() int {
	room := a.room(3)
	if a.half {
		room += lines(a.keys*a.size) + lines(a.keys*a.width)
	}
	return room
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
// A task is a head, whose blocks add to its dK and dV in order, of bf16 in float32.
func bindAttentionGrad(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
	g := attentionGrad{attention: newAttention(n, 1)}
	start := g.attach(n, in, 1)
	g.dy = g.operand(vectorOf(in[0]), g.queries, g.width)
	g.dq, g.dk, g.dv = g.operands(vectorAt(out, 0), vectorAt(out, 1), vectorAt(out, 2))
	mem, room := floats(s.Mem), g.gradRoom()
	body := func(worker, lo, hi int) {
		for task := lo; task < hi; task++ {
			g.head(task/g.heads, task%g.heads, mem[worker*room:][:room])
		}
	}
	return g.loop(s.Pool, start, g.batch*g.heads, body), nil
}

// head computes the gradients of head h of sample b.
func (g *attentionGrad) head(b, h int, room []float32) {
	take := func(n int) []float32 {
		x := room[:n]
		room = room[lines(n):]
		return x
	}
	scores, kept, change := take(g.rows*g.keys), take(g.rows*g.keys), take(g.rows*g.keys)
	dk, dv := headSum{operand: &g.dk}, headSum{operand: &g.dv}
	if g.half {
		dk.room, dv.room = take(g.keys*g.size), take(g.keys*g.width)
	}
	dk.start(b, h)
	dv.start(b, h)
	for i := range g.blocks {
		t := g.block(b, h, i, scores)
		g.weigh(&t, room)
		dy := g.dy.head(b, h, t.from, t.rows)
		if !g.dv.absent() {
			weights := t.scores
			if g.dropped {
				weights = kept
				g.thin(&t, kept, t.scores)
			}
			g.multiply(1, t.mat(weights).T(), dy, 1, dv.head(b, h, t.seen), room)
		}
		if g.dq.absent() && g.dk.absent() {
			continue
		}
		g.multiply(1, dy, g.v.head(b, h, 0, t.seen).T(), 0, t.mat(change), room)
		if g.dropped {
			g.thin(&t, change, change)
		}
		for at := 0; at < len(t.scores); at += t.seen {
			softmaxGradRow(change[at:at+t.seen], change[at:at+t.seen], t.scores[at:at+t.seen])
		}
		g.rescale(change[:len(t.scores)])
		if !g.dq.absent() {
			g.multiply(g.alpha(), t.mat(change), g.k.head(b, h, 0, t.seen), 0, g.dq.head(b, h, t.from, t.rows), room)
		}
		if !g.dk.absent() {
			g.multiply(g.alpha(), t.mat(change).T(), g.q.head(b, h, t.from, t.rows), 1, dk.head(b, h, t.seen), room)
		}
	}
	dk.finish(b, h)
	dv.finish(b, h)
}

// headSum is a head of an operand that blocks add to: where it is, or where it is bf16 in room.
type headSum struct {
	*operand
	room []float32
}

func (s *headSum) start(b, h int) {
	switch {
	case s.half != nil:
		clear(s.room)
	case s.wide != nil:
		s.clear(b, h)
	}
}

func (s *headSum) head(b, h, count int) linalg.HalfMat {
	if s.half != nil {
		return linalg.RowMajor(s.room, count, s.size).Half()
	}
	return s.operand.head(b, h, 0, count)
}

func (s *headSum) finish(b, h int) {
	if s.half == nil {
		return
	}
	for i := range s.positions {
		linalg.Narrow(s.half[s.first(b, h, i):], s.room[i*s.size:][:s.size])
	}
}

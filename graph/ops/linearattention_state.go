package ops

import (
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// linearInputs are the inputs of linear attention in the order of the operator, nil where absent.
type linearInputs [6][]float64

func (l *linearAttention) read(in []*tensor.Tensor) *linearInputs {
	var x linearInputs
	for i := range x {
		if t := optional(in, i); t != nil {
			x[i] = t.Float64s()
		}
	}
	return &x
}

// linearState is the state of one head of keys, m[key element, value element], as it goes from step to step.
type linearState struct {
	*linearAttention
	x       *linearInputs
	b, head int
	m       []float64
	decayed []float64 // m after decay and before the write of the last step
	written []float64 // the value that the last step wrote for its key
	recall  []float64 // what the state gave for the key before
}

func newLinearState(l *linearAttention, x *linearInputs, b, head int) *linearState {
	s := &linearState{linearAttention: l, x: x, b: b, head: head}
	s.m, s.decayed = make([]float64, l.size*l.valueSize), make([]float64, l.size*l.valueSize)
	s.written, s.recall = make([]float64, l.valueSize), make([]float64, l.valueSize)
	if past := x[3]; past != nil {
		copy(s.m, past[(b*l.kvHeads+head)*len(s.m):])
	}
	return s
}

// These find a vector of step t: of query head h of the group, the key, the value, the decay and beta.
func (s *linearState) queryAt(t, h int) int {
	group := s.heads / s.kvHeads
	return ((s.b*s.steps+t)*s.heads + s.head*group + h) * s.size
}
func (s *linearState) keyAt(t int) int   { return ((s.b*s.steps+t)*s.kvHeads + s.head) * s.size }
func (s *linearState) valueAt(t int) int { return ((s.b*s.steps+t)*s.kvHeads + s.head) * s.valueSize }
func (s *linearState) resultAt(t, h int) int {
	return s.queryAt(t, h) / s.size * s.valueSize
}
func (s *linearState) decayAt(t, i int) int {
	at := ((s.b*s.steps+t)*s.kvHeads + s.head) * s.decaySize
	if s.decaySize > 1 {
		at += i
	}
	return at
}
func (s *linearState) betaAt(t int) int {
	return (s.b*s.steps+t)*s.betaHeads + s.head%s.betaHeads
}

// step decays the state and writes the key and value of step t into it.
func (s *linearState) step(t int) {
	key, value := s.x[1][s.keyAt(t):][:s.size], s.x[2][s.valueAt(t):][:s.valueSize]
	copy(s.decayed, s.m)
	if s.decaySize > 0 {
		for i := range s.size {
			keep := math.Exp(s.x[4][s.decayAt(t, i)])
			for j := range s.valueSize {
				s.decayed[i*s.valueSize+j] *= keep
			}
		}
	}
	clear(s.recall)
	for i, k := range key {
		for j := range s.recall {
			s.recall[j] += s.decayed[i*s.valueSize+j] * k
		}
	}
	for j, v := range value {
		s.written[j] = v
		if s.betaHeads > 0 {
			s.written[j] = s.x[5][s.betaAt(t)] * (v - s.recall[j])
		}
	}
	for i, k := range key {
		for j, w := range s.written {
			s.m[i*s.valueSize+j] = s.decayed[i*s.valueSize+j] + k*w
		}
	}
}

// results adds what the queries of step t find in the state.
func (s *linearState) results(t int, y []float64) {
	for h := range s.heads / s.kvHeads {
		query, to := s.x[0][s.queryAt(t, h):][:s.size], y[s.resultAt(t, h):]
		for i, q := range query {
			for j := range s.valueSize {
				to[j] += s.scale * q * s.m[i*s.valueSize+j]
			}
		}
	}
}

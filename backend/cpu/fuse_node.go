package cpu

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// loops is what an elementwise node does to runs: to that of one operand, or of two and, pair by pair, of any number.
// dst may be an operand.
type loops struct {
	one  func(dst, x []float32)
	two  binary
	mean bool // divides by the number of operands
}

// lowered is a node on the way to instructions.
type lowered struct {
	several bool // whether there is more than one
	emit    func(dst int, in []place) ([]instruction, error)
}

// lower finds a node's instructions.
func lower(n *graph.Node) (lowered, error) {
	if f := masks[n.Op.Type]; f != nil && n.Op.Domain == "" {
		return lowered{emit: func(dst int, in []place) ([]instruction, error) { return []instruction{f(dst, in)}, nil }}, nil
	}
	if n.Op.Domain == "" && n.Op.Type == "Clip" {
		return lowered{emit: clip(n)}, nil
	}
	kernels := Candidates(n)
	if len(kernels) == 0 || kernels[0].loops == nil {
		return lowered{}, fmt.Errorf("no kernel of %s runs on a block", n.Op.Type)
	}
	l := kernels[0].loops(n)
	if l.one != nil {
		return lowered{emit: func(dst int, in []place) ([]instruction, error) {
			x := in[0].index
			return []instruction{func(v [][]float32, _ []float32) { l.one(v[dst], v[x]) }}, nil
		}}, nil
	}
	return lowered{several: len(n.In) > 2, emit: l.fold}, nil
}

// fold joins operands one after the other.
func (l loops) fold(dst int, in []place) ([]instruction, error) {
	if len(in) == 1 {
		x := in[0].index
		return []instruction{func(v [][]float32, _ []float32) { copy(v[dst], v[x]) }}, nil
	}
	first, err := l.two.join(dst, in[0], in[1])
	code := []instruction{first}
	for _, x := range in[2:] {
		if err != nil {
			break
		}
		var next instruction
		next, err = l.two.join(dst, place{index: dst}, x)
		code = append(code, next)
	}
	if l.mean {
		share := 1 / float32(len(in))
		code = append(code, func(v [][]float32, _ []float32) { mulVS(v[dst], v[dst], share) })
	}
	return code, err
}

func (f binary) join(dst int, x, y place) (instruction, error) {
	a, b := x.index, y.index
	switch {
	case !x.number && !y.number:
		return func(v [][]float32, _ []float32) { f.vv(v[dst], v[a], v[b]) }, nil
	case !x.number && f.vs != nil:
		return func(v [][]float32, s []float32) { f.vs(v[dst], v[a], s[b]) }, nil
	case x.number && !y.number && f.sv != nil:
		return func(v [][]float32, s []float32) { f.sv(v[dst], s[a], v[b]) }, nil
	}
	return nil, fmt.Errorf("an operand is a number where it takes none")
}

// clip has bounds that are attributes or numbers.
func clip(n *graph.Node) func(dst int, in []place) ([]instruction, error) {
	low, high := float32(n.Attrs.Float("min", math.Inf(-1))), float32(n.Attrs.Float("max", math.Inf(1)))
	return func(dst int, in []place) ([]instruction, error) {
		bound := func(i int, absent float32) (func(s []float32) float32, error) {
			if n.Input(i) == nil {
				return func([]float32) float32 { return absent }, nil
			}
			at := in[i]
			if !at.number {
				return nil, fmt.Errorf("a bound is not one number")
			}
			return func(s []float32) float32 { return s[at.index] }, nil
		}
		least, err := bound(1, low)
		if err != nil {
			return nil, err
		}
		most, err := bound(2, high)
		x := in[0].index
		return []instruction{func(v [][]float32, s []float32) { linalg.Clamp(v[dst], v[x], least(s), most(s)) }}, err
	}
}

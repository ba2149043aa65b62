package data

import (
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// tokens is the task of models that read token indices: for next-token labels a grammar in which each token allows four
// followers, weighted by the token before it; for one class a sequence, words that come more often in a class.
type tokens struct {
	vocab, classes int
	next           bool
	roles          []tokenRole
}

// tokenRole is what an integer input means, told by its name as the exporters of transformers write it.
type tokenRole uint8

const (
	tokenIDs tokenRole = iota
	tokenMask
	tokenZeros
	tokenPositions
)

func roleOf(f Field) tokenRole {
	name := strings.ToLower(f.Name)
	switch {
	case f.DType == tensor.Bool || strings.Contains(name, "mask"):
		return tokenMask
	case strings.Contains(name, "type") || strings.Contains(name, "segment"):
		return tokenZeros
	case strings.Contains(name, "position"):
		return tokenPositions
	}
	return tokenIDs
}

// newTokens uses the model's vocabulary, or 16 tokens when it is unknown, and at most 64 so that little data shows all.
func newTokens(w Want, fields []Field, classes, vocab int) tokens {
	label := fields[len(fields)-1]
	t := tokens{classes: classes, next: len(label.Shape) > 0}
	switch {
	case vocab > 0:
		t.vocab = vocab
	case w.Vocab > 0:
		t.vocab = min(w.Vocab, 64)
	case t.next && w.Classes > 0:
		t.vocab = min(w.Classes, 64)
	default:
		t.vocab = 16
	}
	if t.next {
		t.vocab = max(1, min(t.vocab, classes))
	}
	for _, f := range fields[:len(fields)-1] {
		t.roles = append(t.roles, roleOf(f))
	}
	return t
}

func (t tokens) write(r *Rand, dst []*tensor.Tensor) {
	label := dst[len(dst)-1].I64()
	longest := len(label)
	for i, role := range t.roles {
		if role == tokenIDs {
			longest = max(longest, dst[i].Elems())
		}
	}
	class := 0
	if !t.next {
		class = r.Intn(t.classes)
		label[0] = int64(class)
	}
	text := t.text(r, class, longest+1)
	if t.next {
		copy(label, text[1:])
	}
	for i, role := range t.roles {
		row := make([]int64, dst[i].Elems())
		for k := range row {
			switch role {
			case tokenIDs:
				row[k] = text[k]
			case tokenMask:
				row[k] = 1
			case tokenPositions:
				row[k] = int64(k)
			}
		}
		dst[i].SetInt64s(row)
	}
}

// text draws n tokens.
func (t tokens) text(r *Rand, class, n int) []int64 {
	out := make([]int64, n)
	before, last := uint64(0), uint64(r.Intn(t.vocab))
	for i := range out {
		out[i] = int64(last)
		follower := uint64(0)
		if t.next {
			follower = t.follower(r, before, last)
		} else {
			follower = t.word(r, class)
		}
		before, last = last, follower
	}
	return out
}

// follower draws one of the four tokens that may follow last; which of them is likely depends on the token before.
func (t tokens) follower(r *Rand, before, last uint64) uint64 {
	choice := before % 2
	switch u := r.Float64(); {
	case u < 0.7:
	case u < 0.9:
		choice = 1 - choice
	default:
		choice = 2 + r.Uint64()>>63
	}
	return mix64(taskSeed+last*4+choice) % uint64(t.vocab)
}

// word draws a token, two times in five out of the four that its class prefers.
func (t tokens) word(r *Rand, class int) uint64 {
	if r.Float64() < 0.4 {
		return mix64(taskSeed^(uint64(class)*4+uint64(r.Intn(4)))) % uint64(t.vocab)
	}
	return uint64(r.Intn(t.vocab))
}

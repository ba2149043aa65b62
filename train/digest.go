package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// states are the running statistics, in order.
func (e *Engine) states() []checkpoint.Named {
	var list []checkpoint.Named
	for _, v := range e.first.Graph.OfKind(graph.State) {
		list = append(list, checkpoint.Named{Name: v.Name, Tensor: e.memory[v.Name]})
	}
	return list
}

// weights are what training changes, by name: parameters and running statistics. Programs may share other memory.
func (e *Engine) weights() []checkpoint.Named {
	list := e.states()
	for i, p := range e.Params {
		list = append(list, checkpoint.Named{Name: p.Name, Tensor: e.Values[i]})
	}
	slices.SortFunc(list, func(a, b checkpoint.Named) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// digest is a hash of names, types and bits of all weights: the first 64 bits of their SHA-256.
func (e *Engine) digest() string {
	h := sha256.New()
	for _, w := range e.weights() {
		fmt.Fprintf(h, "%s %v\n", w.Name, w.Tensor)
		h.Write(w.Tensor.Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

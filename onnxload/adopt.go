package onnxload

import (
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Adopt makes tensors, by name, the memory of the model's initializers, so that weights in training are not held twice: from
// then on the model is no longer as its file is, but as the tensors are, for NewGraph and Save. What cannot be had in the
// tensor's place stays with the model: initializers of another shape or element type, those in functions and in sparse form,
// and those that tell what another initializer or an Identity holds. Tensors must not change while the model is being read.
func (m *Model) Adopt(tensors map[string]*tensor.Tensor) {
	if len(m.proto.Functions) > 0 {
		return
	}
	sites, shared := m.sites(m.flat), map[string]bool{}
	for _, s := range sites {
		shared[s.source] = true
	}
	for name, of := range m.transposed {
		shared[name], shared[of] = true, true
	}
	for name, t := range tensors {
		s := sites[name]
		p := s.initializer
		if p == nil || p.RawData == nil || shared[name] || t.DType != s.stored.DType || !t.Shape.Equal(s.stored.Shape) {
			continue
		}
		raw := onnxpb.Raw(t.Data)
		p.RawData, m.tensors[p] = &raw, loaded{Tensor: t}
	}
}

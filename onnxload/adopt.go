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
	sources := map[string]bool{}
	for name, of := range m.transposed {
		sources[name], sources[of] = true, true
	}
	for _, n := range m.proto.Graph.Node {
		if n.GetOpType() == "Identity" && len(n.Input) == 1 {
			sources[n.Input[0]] = true
		}
	}
	for _, p := range m.proto.Graph.Initializer {
		t, had := tensors[p.GetName()], m.tensors[p].Tensor
		if t == nil || had == nil || p.RawData == nil || sources[p.GetName()] || t.DType != had.DType || !t.Shape.Equal(had.Shape) {
			continue
		}
		raw := onnxpb.Raw(t.Data)
		p.RawData, m.tensors[p] = &raw, loaded{Tensor: t}
	}
}

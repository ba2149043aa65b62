package onnxload

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// What PyTorch's dynamo exporter notes: at a node the modules it is from, outermost first, the node last, as a Python list;
// at an initializer's declaration what it was in the model.
const (
	scopesKey = "pkg.torch.onnx.name_scopes"
	kindKey   = "pkg.torch.export.graph_signature.InputSpec.kind"
)

// unmerge gives every module its own initializer again where an exporter kept one for all that were equal, as PyTorch's
// dynamo exporter does with the scales and biases of a new model's norms and layers, so that training would tie them. Only
// initializers whose elements are all the same are taken apart: equal random ones were one weight in the model too.
func (m *Model) unmerge() {
	g := m.proto.Graph
	merged := map[string]*onnxpb.TensorProto{}
	taken := map[string]bool{}
	for _, name := range definitions(g) {
		taken[name] = true
	}
	for _, p := range g.Initializer {
		if t := m.tensors[p].Tensor; t != nil && t.DType.IsFloat() && weightLike(t) && uniform(t) {
			merged[p.GetName()] = p
		}
	}
	copies := map[string]map[string]string{} // by initializer and reader
	for _, n := range g.Node {
		module := moduleOf(n)
		if module == "" {
			continue
		}
		for i, name := range n.Input {
			p := merged[name]
			if p == nil {
				continue
			}
			reader := fmt.Sprintf("%s %s %d", module, n.GetOpType(), i)
			switch own, ok := copies[name][reader]; {
			case ok:
				n.Input[i] = own
			case copies[name] == nil:
				copies[name] = map[string]string{reader: name}
			default:
				own := vacantName(taken, module+"."+leafOf(n, i, name))
				taken[own], copies[name][reader] = true, own
				n.Input[i] = own
				c := *p
				c.Name = &own
				g.Initializer = append(g.Initializer, &c)
				m.tensors[&c] = m.tensors[p]
			}
		}
	}
}

// moduleOf is the module that a node is from; "" when the file does not say or it is the model itself.
func moduleOf(n *onnxpb.NodeProto) string {
	for _, e := range n.MetadataProps {
		if e.GetKey() != scopesKey {
			continue
		}
		scopes := strings.Split(strings.Trim(e.GetValue(), "[]"), ", ")
		if len(scopes) < 2 {
			return ""
		}
		return strings.Trim(scopes[len(scopes)-2], `'"`)
	}
	return ""
}

// leafOf is what the module calls the weight that its node reads as input i.
func leafOf(n *onnxpb.NodeProto, i int, merged string) string {
	switch n.GetOpType() {
	case "BatchNormalization":
		return []string{"input", "weight", "bias", "running_mean", "running_var"}[min(i, 4)]
	case "LayerNormalization", "InstanceNormalization", "GroupNormalization":
		return []string{"input", "weight", "bias"}[min(i, 2)]
	case "Conv", "ConvTranspose", "Gemm":
		return []string{"input", "weight", "bias"}[min(i, 2)]
	}
	return merged[strings.LastIndexByte(merged, '.')+1:]
}

func vacantName(taken map[string]bool, name string) string {
	free := name
	for k := 2; taken[free]; k++ {
		free = fmt.Sprintf("%s_%d", name, k)
	}
	return free
}

func uniform(t *tensor.Tensor) bool {
	size := len(t.Data) / t.Elems()
	for at := size; at < len(t.Data); at++ {
		if t.Data[at] != t.Data[at-size] {
			return false
		}
	}
	return true
}

// fixedInitializers are the initializers that the exporter says are buffers or constants of the model, not parameters, and
// those of one element of which it says nothing although it does of others: numbers that the model's code computes with.
func fixedInitializers(g *onnxpb.GraphProto) map[string]bool {
	fixed, kinds := map[string]bool{}, kindsOf(g)
	for _, p := range g.Initializer {
		switch kinds[p.GetName()] {
		case "BUFFER", "CONSTANT_TENSOR":
			fixed[p.GetName()] = true
		case "":
			fixed[p.GetName()] = len(kinds) > 0 && elements(p) == 1
		}
	}
	return fixed
}

func elements(p *onnxpb.TensorProto) int64 {
	n := int64(1)
	for _, d := range p.Dims {
		n *= d
	}
	return n
}

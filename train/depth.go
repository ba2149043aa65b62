package train

import (
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
)

// depths is for each parameter how many layers lie between it and the last one, which holds the head. Layers are what
// names have in common up to their first number, as in blocks.3.attn.weight, or without one up to their last part;
// they stand in the order in which the graph reads them. A parameter whose name tells nothing, as exporters make them up,
// belongs to the layer of the one that is read after it, which is mostly its bias.
func (e *Engine) depths() []int {
	first := map[*graph.Value]int{}
	for i, n := range e.first.Graph.Nodes {
		for _, v := range n.In {
			if _, seen := first[v]; v != nil && !seen {
				first[v] = i
			}
		}
	}
	order := make([]int, len(e.Params))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return first[e.first.Params[a]] - first[e.first.Params[b]] })
	layers := make([]string, len(order))
	for k, i := range slices.Backward(order) {
		if layers[k] = layerOf(e.Params[i].Name); layers[k] == "" && k+1 < len(order) {
			layers[k] = layers[k+1]
		}
	}
	number := map[string]int{}
	for _, layer := range layers {
		if _, seen := number[layer]; !seen {
			number[layer] = len(number)
		}
	}
	depth := make([]int, len(order))
	for k, i := range order {
		depth[i] = len(number) - 1 - number[layers[k]]
	}
	return depth
}

// layerOf is the part of a parameter's name that its layer has in common, "" where there is none.
func layerOf(name string) string {
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == '.' || c == '/' })
	for i, p := range parts {
		if strings.Trim(p, "0123456789") == "" && i > 0 {
			return strings.Join(parts[:i+1], ".")
		}
	}
	if len(parts) < 2 || strings.Contains(name, "::") {
		return ""
	}
	return strings.Join(parts[:len(parts)-1], ".")
}

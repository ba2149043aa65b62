package pass

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// mergeEqual makes nodes that compute the same from the same inputs one node. It returns what each dropped value is now.
func mergeEqual(g *graph.Graph) map[*graph.Value]*graph.Value {
	merged := map[*graph.Value]*graph.Value{}
	first := map[string]*graph.Node{}
	constants := map[string]*graph.Value{}
	for _, v := range g.OfKind(graph.Const) {
		if v.Init.Elems() > 16 {
			continue
		}
		key := fmt.Sprint(v.Type, v.Init.Data)
		if same := constants[key]; same == nil {
			constants[key] = v
		} else {
			merged[v] = same
		}
	}
	g.RemoveNodes(func(n *graph.Node) bool {
		for i, v := range n.In {
			if m := merged[v]; m != nil {
				n.In[i] = m
			}
		}
		key := nodeKey(n)
		if key == "" {
			return false
		}
		same := first[key]
		if same == nil {
			first[key] = n
			return false
		}
		for i, v := range n.Out {
			if v != nil {
				merged[v] = same.Out[i]
			}
		}
		return true
	})
	for i, v := range g.Outputs {
		if m := merged[v]; m != nil {
			g.Outputs[i] = m
		}
	}
	for i, u := range g.Updates {
		if m := merged[u.Value]; m != nil {
			g.Updates[i].Value = m
		}
	}
	return merged
}

// nodeKey is equal for nodes that compute the same, "" for those that must not be merged.
func nodeKey(n *graph.Node) string {
	def, err := op.Of(n)
	if err != nil || def.Random {
		return ""
	}
	var key strings.Builder
	fmt.Fprint(&key, n.Op)
	for _, a := range n.Attrs {
		switch a.Value.(type) {
		case *tensor.Tensor, []*tensor.Tensor, *graph.Graph, []*graph.Graph:
			return ""
		}
		fmt.Fprintf(&key, " %s=%v", a.Name, a.Value)
	}
	for _, v := range n.In {
		if v == nil {
			key.WriteString(" _")
		} else {
			fmt.Fprintf(&key, " %d", v.ID)
		}
	}
	for _, v := range n.Out {
		fmt.Fprint(&key, v != nil)
	}
	return key.String()
}

// dropUnread removes nodes that lead neither to roots nor to an output or update, and unread outputs of those that stay.
func dropUnread(g *graph.Graph, roots []*graph.Value) {
	read := make([]bool, len(g.Values))
	mark := func(vs []*graph.Value) {
		for _, v := range vs {
			if v != nil {
				read[v.ID] = true
			}
		}
	}
	mark(roots)
	mark(g.Outputs)
	for _, u := range g.Updates {
		read[u.Value.ID] = true
	}
	live := map[*graph.Node]bool{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for _, v := range n.Out {
			live[n] = live[n] || v != nil && read[v.ID]
		}
		if live[n] {
			mark(n.In)
		}
	}
	g.RemoveNodes(func(n *graph.Node) bool { return !live[n] })
}

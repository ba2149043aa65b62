package graph

import (
	"fmt"
	"strings"
)

// Sort puts the nodes into topological order, keeping the given order where it is free. The error names a cycle.
func (g *Graph) Sort() error {
	const (
		unseen = iota
		open
		done
	)
	state := make(map[*Node]int, len(g.Nodes))
	ordered := make([]*Node, 0, len(g.Nodes))
	type frame struct {
		node *Node
		next int
	}
	for _, root := range g.Nodes {
		if state[root] != unseen {
			continue
		}
		state[root] = open
		stack := []frame{{root, 0}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(top.node.In) {
				state[top.node] = done
				ordered = append(ordered, top.node)
				stack = stack[:len(stack)-1]
				continue
			}
			v := top.node.In[top.next]
			top.next++
			if v == nil || v.Producer == nil {
				continue
			}
			switch p := v.Producer; state[p] {
			case unseen:
				state[p] = open
				stack = append(stack, frame{p, 0})
			case open:
				var names []string
				for i := len(stack) - 1; i >= 0; i-- {
					names = append(names, fmt.Sprintf("%q", stack[i].node.Name))
					if stack[i].node == p {
						break
					}
				}
				return Errorf(p, "the graph has a cycle: %s", strings.Join(names, " <- "))
			}
		}
	}
	g.Nodes = ordered
	return nil
}

// Check reports what breaks the graph's rules: an input that is not produced before it is read, a value that is not
// the graph's own, a producer that does not list its output. Passes run it in tests.
func (g *Graph) Check() error {
	ready := make([]bool, len(g.Values))
	for i, v := range g.Values {
		if v.ID != i {
			return fmt.Errorf("value %q has ID %d at index %d", v.Name, v.ID, i)
		}
		ready[i] = v.Kind != Computed
		if (v.Kind == Param || v.Kind == State || v.Kind == Const) && v.Init == nil {
			return fmt.Errorf("%v %q has no initial value", v.Kind, v.Name)
		}
	}
	known := func(v *Value) bool { return v.ID < len(g.Values) && g.Values[v.ID] == v }
	for _, n := range g.Nodes {
		for i, v := range n.In {
			switch {
			case v == nil:
			case !known(v):
				return Errorf(n, "input %d, %q, is not a value of the graph", i, v.Name)
			case !ready[v.ID]:
				return Errorf(n, "input %d, %q, is read before it is computed", i, v.Name)
			}
		}
		for i, v := range n.Out {
			if v == nil {
				continue
			}
			if !known(v) || v.Producer != n || v.Kind != Computed {
				return Errorf(n, "output %d, %q, is not its own", i, v.Name)
			}
			ready[v.ID] = true
		}
	}
	for _, v := range g.Outputs {
		if !known(v) || !ready[v.ID] {
			return fmt.Errorf("output %q is not computed", v.Name)
		}
	}
	for _, u := range g.Updates {
		if !known(u.State) || u.State.Kind != State || !known(u.Value) || !ready[u.Value.ID] {
			return fmt.Errorf("update of %q is not computed", u.State.Name)
		}
	}
	return nil
}

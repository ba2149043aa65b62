package graph

import (
	"fmt"
	"io"
	"strings"
)

// Fprint writes the graph as text, a node a line, for people and golden files.
func (g *Graph) Fprint(w io.Writer) {
	fmt.Fprintf(w, "graph %s\n", g.Name)
	for _, v := range g.Values {
		if v.Kind != Computed {
			fmt.Fprintf(w, "%-8v %s %v\n", v.Kind, v.Name, v.Type)
		}
	}
	for _, n := range g.Nodes {
		var outs []string
		for _, v := range n.Out {
			if v == nil {
				outs = append(outs, "_")
			} else {
				outs = append(outs, fmt.Sprintf("%s %v", v.Name, v.Type))
			}
		}
		var ins []string
		for _, v := range n.In {
			if v == nil {
				ins = append(ins, "_")
			} else {
				ins = append(ins, v.Name)
			}
		}
		fmt.Fprintf(w, "%s = %v(%s)", strings.Join(outs, ", "), n.Op, strings.Join(ins, ", "))
		if len(n.Attrs) > 0 {
			fmt.Fprintf(w, " {%s}", n.Attrs.format())
		}
		fmt.Fprintln(w)
	}
	for _, v := range g.Outputs {
		fmt.Fprintf(w, "output   %s\n", v.Name)
	}
	for _, u := range g.Updates {
		fmt.Fprintf(w, "update   %s <- %s\n", u.State.Name, u.Value.Name)
	}
}

func (g *Graph) String() string {
	var b strings.Builder
	g.Fprint(&b)
	return b.String()
}

package inspect

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
)

// Dot writes a graph in Graphviz's language: a box for every node with the parameters and states that it reads, and an
// edge for every other value that is not a constant, with its type.
func Dot(w io.Writer, g *graph.Graph) error {
	d := dot{w: w}
	d.print("digraph %s {\n", quote(g.Name))
	d.print("\tnode [shape=box style=\"rounded,filled\" fillcolor=white fontname=\"Helvetica\" fontsize=10]\n")
	d.print("\tedge [fontname=\"Helvetica\" fontsize=8 color=gray40]\n")
	for _, v := range g.Inputs {
		d.print("\tv%d [label=%s shape=ellipse fillcolor=lightblue]\n", v.ID, quote(v.Name, v.Type.String()))
	}
	for _, n := range g.Nodes {
		d.node(n)
	}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			d.edge(v, fmt.Sprintf("n%d", n.ID))
		}
	}
	for i, v := range g.Outputs {
		d.print("\to%d [label=%s shape=ellipse fillcolor=lightblue]\n", i, quote(v.Name, v.Type.String()))
		d.edge(v, fmt.Sprintf("o%d", i))
	}
	d.print("}\n")
	return d.err
}

type dot struct {
	w   io.Writer
	err error
}

func (d *dot) print(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format, args...)
	}
}

// node draws a node; one with parameters and one of a gradient have colours of their own.
func (d *dot) node(n *graph.Node) {
	lines, color := []string{typeName(n.Op)}, "white"
	if n.Name != "" {
		lines = append(lines, n.Name)
	}
	for _, v := range n.In {
		if v != nil && (v.Kind == graph.Param || v.Kind == graph.State) {
			lines = append(lines, fmt.Sprintf("%s %v", v.Name, v.Type.Shape))
			color = "lightyellow"
		}
	}
	if n.Origin != nil {
		color = "mistyrose"
	}
	d.print("\tn%d [label=%s fillcolor=%s]\n", n.ID, quote(lines...), color)
}

// edge draws how a value gets to a node.
func (d *dot) edge(v *graph.Value, to string) {
	switch {
	case v == nil:
	case v.Kind == graph.Computed && v.Producer != nil:
		d.print("\tn%d -> %s [label=%s]\n", v.Producer.ID, to, quote(v.Type.String()))
	case v.Kind == graph.Input:
		d.print("\tv%d -> %s [label=%s]\n", v.ID, to, quote(v.Type.String()))
	}
}

// quote makes a string of lines. What cannot be printed is replaced, as names in files may hold anything.
func quote(lines ...string) string {
	for i, line := range lines {
		line = strings.Map(func(r rune) rune {
			if !strconv.IsPrint(r) {
				return '\uFFFD'
			}
			return r
		}, strings.ToValidUTF8(line, "\uFFFD"))
		lines[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line)
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

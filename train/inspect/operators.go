package inspect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/train"
)

// operators counts the operators of a graph as loaded, sorted by name and version.
func operators(file *graph.Graph) []Operator {
	count := map[graph.OpID]int{}
	for _, n := range file.Nodes {
		count[resolved(n.Op)]++
	}
	list := []Operator{}
	for id, c := range count {
		o := Operator{Type: typeName(id), Since: id.Since, Count: c, Forward: "yes", Gradient: "yes", Runs: []Run{}}
		switch def, err := op.Resolve(id.Domain, id.Type, id.Since); {
		case pass.Expands(id): // to nodes that have gradients
		case err != nil:
			o.Forward, o.Gradient = "no", "no"
		case def.Grad == nil:
			o.Gradient = "stops"
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Operator) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), a.Since-b.Since)
	})
	return list
}

// resolved is the operator's own version, or the opset's where it is not known.
func resolved(id graph.OpID) graph.OpID {
	if def, err := op.Resolve(id.Domain, id.Type, id.Since); err == nil && !pass.Expands(id) {
		return def.ID()
	}
	return id
}

// typeName is an operator's name with its domain; the internal domain is left out.
func typeName(id graph.OpID) string {
	if id.Domain == "" || id.Domain == op.Internal {
		return id.Type
	}
	return id.Domain + "::" + id.Type
}

// become tells what became of the nodes of each operator in a program. Passes change nodes in place and drop others;
// those that are left have the IDs that they have in the file.
func become(list []Operator, file *graph.Graph, p *train.Program) {
	left := map[int]*graph.Node{}
	for _, n := range p.Built.Graph.Nodes {
		left[n.ID] = n
	}
	for k := range list {
		o := &list[k]
		for _, n := range file.Nodes {
			if id := resolved(n.Op); typeName(id) != o.Type || id.Since != o.Since {
				continue
			}
			if now := left[n.ID]; now != nil {
				o.count(p.Kernel(now))
			} else {
				o.count(fate(n, p.Built.Graph))
			}
		}
		slices.SortStableFunc(o.Runs, func(a, b Run) int { return b.Nodes - a.Nodes })
		o.Kernel = kernelNames(o.Runs)
	}
}

// fate is why a node of the file is not in g.
func fate(n *graph.Node, g *graph.Graph) string {
	switch {
	case pass.Expands(n.Op):
		return "unrolled"
	case n.Op.Domain == "" && (n.Op.Type == "Identity" || n.Op.Type == "Dropout"):
		return "removed"
	case slices.ContainsFunc(n.Out, func(v *graph.Value) bool { return v != nil && now(g, v).Kind != graph.Const }):
		return "fused"
	default:
		return "folded"
	}
}

func (o *Operator) count(kernel string) {
	i := slices.IndexFunc(o.Runs, func(r Run) bool { return r.Kernel == kernel })
	if i < 0 {
		o.Runs = append(o.Runs, Run{kernel, 1})
	} else {
		o.Runs[i].Nodes++
	}
}

// kernelNames are the kernels, or what became of the nodes where none is left.
func kernelNames(runs []Run) string {
	var kernels, fates []string
	for _, r := range runs {
		switch r.Kernel {
		case "folded", "fused", "removed", "unrolled":
			fates = append(fates, r.Kernel)
		default:
			kernels = append(kernels, r.Kernel)
		}
	}
	if len(kernels) > 0 {
		return strings.Join(kernels, " ")
	}
	return strings.Join(fates, " ")
}

// addStep counts a node of the training step.
func (r *Report) addStep(n *graph.Node, kernel string, flops float64) {
	name := typeName(n.Op)
	i := slices.IndexFunc(r.Step, func(s StepOperator) bool { return s.Type == name && s.Kernel == kernel })
	if i < 0 {
		i = len(r.Step)
		r.Step = append(r.Step, StepOperator{Type: name, Kernel: kernel})
	}
	s := &r.Step[i]
	s.FLOPs += flops
	if n.Origin == nil {
		s.Forward++
	} else {
		s.Backward++
	}
}

// sortStep puts what costs most first.
func sortStep(list []StepOperator) {
	slices.SortStableFunc(list, func(a, b StepOperator) int {
		return cmp.Or(cmp.Compare(b.FLOPs, a.FLOPs), strings.Compare(a.Type, b.Type), strings.Compare(a.Kernel, b.Kernel))
	})
}

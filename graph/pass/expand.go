package pass

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// maxExpanded bounds the nodes that take the place of nodes with subgraphs.
const maxExpanded = 100_000

// expander infers and folds the nodes of a graph in order. A node that holds subgraphs gives way to copies of their
// nodes, which are inferred and folded in turn: so a loop whose trip count is computed from shapes is unrolled, its
// gradient is that of plain nodes, and nothing behind this pass knows of subgraphs. Operators that stand for several
// standard ones are expanded in the same way.
type expander struct {
	g         *graph.Graph
	names     map[string]int                // of values and nodes, with the number to try when one comes again
	alias     map[*graph.Value]*graph.Value // what stands for the outputs of nodes that are gone
	lifted    map[*graph.Value]*graph.Value // the graph's own constants for those of subgraphs
	lists     map[*graph.Value][]*graph.Value
	gradients *gradients // nil when nothing is trained
	captures  captures
	folding   *folding
	count     int // of nodes added
}

// expansion is how an operator is expanded.
type expansion struct {
	run func(*expander, *graph.Node) error
	// passes says that inputs have the gradients that the subgraphs' inputs have; otherwise all but noGrad have one.
	passes bool
	noGrad []int
}

// expansions are by domain and type; each file adds its own.
var expansions = map[[2]string]expansion{}

func expansionOf(id graph.OpID) expansion { return expansions[[2]string{id.Domain, id.Type}] }

// Expands reports whether other nodes take the place of an operator's when a graph is inferred. Such an operator has no
// definition in package op.
func Expands(id graph.OpID) bool { return expansionOf(id).run != nil }

// Expansions lists the operators that Expands is true for, by domain and type, sorted.
func Expansions() [][2]string {
	return slices.SortedFunc(maps.Keys(expansions), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

// expand runs over all nodes of g.
func expand(g *graph.Graph, f *folding, training bool) error {
	x := &expander{
		g: g, names: map[string]int{}, alias: map[*graph.Value]*graph.Value{}, lifted: map[*graph.Value]*graph.Value{},
		lists: map[*graph.Value][]*graph.Value{}, captures: captures{}, folding: f,
	}
	if training {
		x.gradients = newGradients()
	}
	for _, v := range g.Values {
		x.names[v.Name] = 2
	}
	for _, n := range g.Nodes {
		x.names[n.Name] = 2
	}
	nodes := g.Nodes
	g.Nodes = make([]*graph.Node, 0, len(nodes))
	for _, n := range nodes {
		if err := x.node(n); err != nil {
			return err
		}
	}
	return nil
}

// node appends n, what it expands to, or nothing when it folds.
func (x *expander) node(n *graph.Node) error {
	for i, v := range n.In {
		n.In[i] = x.now(v)
	}
	if Expands(n.Op) {
		err := x.captures.check(n)
		for i, v := range n.In {
			if _, sequence := x.lists[v]; err == nil && !sequence {
				err = inputKnown(n, i)
			}
		}
		if err == nil {
			err = expansionOf(n.Op).run(x, n)
		}
		return graph.At(n, err)
	}
	if handled, err := x.sequenceInputs(n); handled || err != nil {
		return err
	}
	folded, err := x.folding.node(n)
	if err == nil && !folded {
		x.g.Nodes = append(x.g.Nodes, n)
	}
	return err
}

// inputsKnown checks that the types of all inputs are static.
func inputsKnown(n *graph.Node) error {
	for i := range n.In {
		if err := inputKnown(n, i); err != nil {
			return err
		}
	}
	return nil
}

func inputKnown(n *graph.Node, i int) error {
	if v := n.In[i]; v != nil && !v.Type.Static() {
		return graph.Errorf(n, "input %d, %q, has no static type (%v)", i, v.Name, v.Type)
	}
	return nil
}

// now is the value that stands for v.
func (x *expander) now(v *graph.Value) *graph.Value {
	for x.alias[v] != nil {
		v = x.alias[v]
	}
	return v
}

// place resolves a new node, which belongs to the expansion of by, and puts it after the nodes that are there.
func (x *expander) place(by, n *graph.Node) error {
	if x.count++; x.count > maxExpanded {
		return graph.Errorf(by, "its subgraphs expand to more than %d nodes; use shorter sequences, or an operator that loops "+
			"by itself, such as LSTM", maxExpanded)
	}
	if !Expands(n.Op) {
		def, err := op.Resolve(n.Op.Domain, n.Op.Type, n.Op.Since)
		if err != nil {
			return graph.At(n, err)
		}
		n.Op.Since = def.Since
		nameFirst(x.g, n)
	}
	x.g.AddNode(n)
	x.g.Nodes = x.g.Nodes[:len(x.g.Nodes)-1]
	return x.node(n)
}

// emit places an ai.onnx node in the version of op.EmitOpset and returns its outputs.
func (x *expander) emit(by *graph.Node, typ string, attrs graph.Attrs, outs int, in ...*graph.Value) ([]*graph.Value, error) {
	return x.emitVersion(op.EmitOpset, by, typ, attrs, outs, in...)
}

func (x *expander) emitVersion(opset int, by *graph.Node, typ string, attrs graph.Attrs, outs int,
	in ...*graph.Value) ([]*graph.Value, error) {
	n := &graph.Node{Name: x.unique(by.Name + "/" + typ), Op: graph.OpID{Type: typ, Since: opset}, Attrs: attrs, In: in}
	for range outs {
		n.Out = append(n.Out, x.g.NewValue("", graph.Computed, graph.Type{}))
	}
	return n.Out, x.place(by, n)
}

// inline places copies of a subgraph's nodes, with args for its inputs, and returns its outputs. by is the node that
// holds the subgraph, and prefix goes before the names of what is copied.
func (x *expander) inline(by *graph.Node, sub *graph.Graph, prefix string, args []*graph.Value) ([]*graph.Value, error) {
	if len(args) != len(sub.Inputs) {
		return nil, fmt.Errorf("subgraph %q has %d inputs, and %d are given", sub.Name, len(sub.Inputs), len(args))
	}
	here := make([]*graph.Value, len(sub.Values))
	for i, v := range sub.Inputs {
		here[v.ID] = args[i]
	}
	_, outer := x.captures.split(by, sub)
	for i, v := range x.captures.of(sub) {
		here[v.ID] = outer[i]
	}
	for _, v := range sub.OfKind(graph.Const) {
		if x.gradients != nil && x.lifted[v] == nil && isWeightLike(v) && x.gradients.of(sub)[v.ID] {
			x.g.Notice("%q %v inside of the subgraph of %q stays as it is; only weights outside of subgraphs are trained",
				v.Name, v.Type, by.Name)
		}
		here[v.ID] = x.lift(v, v.Init)
	}
	for _, n := range sub.Nodes {
		// Constants are made once, not once for every copy.
		if t := n.Attrs.Tensor("value"); n.Op.Domain == "" && n.Op.Type == "Constant" && t != nil {
			here[n.Out[0].ID] = x.lift(n.Out[0], t)
			continue
		}
		if err := x.place(by, x.copyNode(n, prefix, here)); err != nil {
			return nil, err
		}
	}
	outs := make([]*graph.Value, len(sub.Outputs))
	for i, v := range sub.Outputs {
		outs[i] = x.now(here[v.ID])
	}
	return outs, nil
}

// copyNode copies a node of a subgraph; here gives the graph's values for the subgraph's, by ID, and takes those of its
// outputs.
func (x *expander) copyNode(n *graph.Node, prefix string, here []*graph.Value) *graph.Node {
	c := &graph.Node{Name: x.unique(prefix + n.Name), Op: n.Op, Attrs: n.Attrs}
	for _, v := range n.In {
		if v != nil {
			v = here[v.ID]
		}
		c.In = append(c.In, v)
	}
	for _, v := range n.Out {
		if v != nil {
			here[v.ID] = x.g.NewValue(x.unique(prefix+v.Name), graph.Computed, graph.Type{})
			v = here[v.ID]
		}
		c.Out = append(c.Out, v)
	}
	return c
}

// lift is the graph's constant for a constant v of a subgraph.
func (x *expander) lift(v *graph.Value, t *tensor.Tensor) *graph.Value {
	if x.lifted[v] == nil {
		x.lifted[v] = x.g.NewConst(x.unique(v.Name), t)
	}
	return x.lifted[v]
}

// results makes values the outputs of a node that is gone. An output of the graph keeps its name.
func (x *expander) results(n *graph.Node, values []*graph.Value) error {
	if len(n.Out) > len(values) {
		return fmt.Errorf("it has %d outputs, and its subgraphs give %d", len(n.Out), len(values))
	}
	for i, old := range n.Out {
		switch {
		case old == nil:
		case slices.Contains(x.g.Outputs, old):
			c := &graph.Node{Name: x.unique(n.Name + "/Identity"), Op: graph.OpID{Type: "Identity", Since: op.EmitOpset},
				In: values[i : i+1 : i+1], Out: []*graph.Value{old}}
			if err := x.place(n, c); err != nil {
				return err
			}
		default:
			x.alias[old] = values[i]
		}
	}
	return nil
}

// unique is name, or name with the first number that makes it one of its own.
func (x *expander) unique(name string) string {
	next, taken := x.names[name]
	if !taken {
		x.names[name] = 2
		return name
	}
	for {
		numbered := fmt.Sprintf("%s_%d", name, next)
		next++
		if _, taken := x.names[numbered]; !taken {
			x.names[name], x.names[numbered] = next, 2
			return numbered
		}
	}
}

// Package graph is the executable form of a model: values, nodes in topological order, and nothing about files,
// kernels or memory.
package graph

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Kind says where a value comes from.
type Kind uint8

const (
	Computed Kind = iota // by its Producer
	Input                // fed for every run
	Param                // trained by the optimizer; Init is its first value
	State                // kept from run to run and changed by Graph.Updates, such as running statistics
	Const                // Init, for ever
)

func (k Kind) String() string {
	return [...]string{"computed", "input", "param", "state", "const"}[k]
}

// Type is a value's element type and shape. Shape is nil while the rank is unknown; a dimension of -1 is unknown.
// Passes after binding and inference see neither.
type Type struct {
	DType tensor.DType
	Shape tensor.Shape
}

// Static reports whether everything about the type is known.
func (t Type) Static() bool {
	return t.DType != tensor.Invalid && t.Shape != nil && !slices.Contains(t.Shape, -1)
}

func (t Type) String() string {
	if t.Shape == nil {
		return t.DType.String() + "[?]"
	}
	return t.DType.String() + t.Shape.String()
}

// Value is a tensor that flows along the graph.
type Value struct {
	ID   int // its index in Graph.Values
	Name string
	Kind Kind
	Type Type
	// Symbols names the dimensions that the file left open ("batch"), "" for fixed ones; nil when all are fixed.
	Symbols  []string
	Producer *Node          // of a computed value
	Init     *tensor.Tensor // of a param, state or const
	Fixed    bool           // the file says that Init is a constant or a buffer, not a parameter
}

func (v *Value) String() string { return v.Name }

// OpID names an operator. Since is the operator's version, that is the opset that introduced or last changed it,
// not the model's opset.
type OpID struct {
	Domain, Type string // Domain "" is ai.onnx
	Since        int
}

func (id OpID) String() string {
	if id.Domain == "" {
		return fmt.Sprintf("%s-%d", id.Type, id.Since)
	}
	return fmt.Sprintf("%s::%s-%d", id.Domain, id.Type, id.Since)
}

// Node computes its outputs from its inputs.
type Node struct {
	ID      int
	Name    string
	Op      OpID
	Attrs   Attrs
	In, Out []*Value // nil: an optional one that is absent
	Origin  *Node    // the forward node that a gradient node belongs to
}

// Input is In[i], nil also when there are fewer inputs.
func (n *Node) Input(i int) *Value {
	if i < len(n.In) {
		return n.In[i]
	}
	return nil
}

// Output is Out[i], nil also when there are fewer outputs.
func (n *Node) Output(i int) *Value {
	if i < len(n.Out) {
		return n.Out[i]
	}
	return nil
}

// ConstInput is the tensor of input i when that is a constant, nil otherwise.
func (n *Node) ConstInput(i int) *tensor.Tensor {
	if v := n.Input(i); v != nil && v.Kind == Const {
		return v.Init
	}
	return nil
}

// Update makes State take the value of Value after a run.
type Update struct{ State, Value *Value }

// Graph is a model: Nodes are always in topological order.
type Graph struct {
	Name    string
	File    string         // for messages
	Opset   map[string]int // opset version by domain
	Nodes   []*Node
	Values  []*Value
	Inputs  []*Value // in the file's order, initializers left out
	Outputs []*Value
	Updates []Update
	Notices []string // what a user should know about this model, found by passes

	nextNode int
}

// New makes an empty graph.
func New(name string) *Graph { return &Graph{Name: name, Opset: map[string]int{}} }

// NewValue adds a value. Names are made unique by the caller or, when empty, generated.
func (g *Graph) NewValue(name string, kind Kind, t Type) *Value {
	v := &Value{ID: len(g.Values), Name: name, Kind: kind, Type: t}
	if name == "" {
		v.Name = fmt.Sprintf("_%d", v.ID)
	}
	g.Values = append(g.Values, v)
	return v
}

// NewConst adds a constant.
func (g *Graph) NewConst(name string, t *tensor.Tensor) *Value {
	v := g.NewValue(name, Const, Type{t.DType, t.Shape})
	v.Init = t
	return v
}

// AddNode appends a node and makes it the producer of its outputs.
func (g *Graph) AddNode(n *Node) *Node {
	n.ID = g.nextNode
	g.nextNode++
	for _, v := range n.Out {
		if v != nil {
			v.Producer = n
			v.Kind = Computed
		}
	}
	g.Nodes = append(g.Nodes, n)
	return n
}

// Uses lists, by Value.ID, the nodes that read each value, once per node, in order.
func (g *Graph) Uses() [][]*Node {
	uses := make([][]*Node, len(g.Values))
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if v != nil && !slices.Contains(n.In[:i], v) {
				uses[v.ID] = append(uses[v.ID], n)
			}
		}
	}
	return uses
}

// Replace makes every reader of old read new instead: nodes, outputs and updates.
func (g *Graph) Replace(old, new *Value) {
	for _, n := range g.Nodes {
		for i, v := range n.In {
			if v == old {
				n.In[i] = new
			}
		}
	}
	for i, v := range g.Outputs {
		if v == old {
			g.Outputs[i] = new
		}
	}
	for i := range g.Updates {
		if g.Updates[i].Value == old {
			g.Updates[i].Value = new
		}
	}
}

// RemoveNodes drops the nodes for which drop is true; what read their outputs must have been rewired.
func (g *Graph) RemoveNodes(drop func(*Node) bool) {
	g.Nodes = slices.DeleteFunc(g.Nodes, drop)
}

// Params lists the parameters in order of their IDs.
func (g *Graph) Params() []*Value { return g.OfKind(Param) }

// OfKind lists the values of a kind in order of their IDs.
func (g *Graph) OfKind(k Kind) []*Value {
	var out []*Value
	for _, v := range g.Values {
		if v.Kind == k {
			out = append(out, v)
		}
	}
	return out
}

// Notice adds a note for the user.
func (g *Graph) Notice(format string, args ...any) {
	g.Notices = append(g.Notices, fmt.Sprintf(format, args...))
}

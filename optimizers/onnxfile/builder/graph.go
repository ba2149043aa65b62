package builder

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Graph is nodes under construction. Its methods append a node or constant and return the name of its value.
type Graph struct {
	prefix    string
	nodes     []node
	constants []constant
}

type node struct {
	op, domain string
	in, out    []string
	attrs      Attrs
}

type constant struct {
	name string
	typ  Type
	dims []int
	data []byte
}

// Attrs are a node's attributes: int, float64, string, []int, []float64, Type (as Cast takes it) or Subgraph.
type Attrs map[string]any

// NewGraph begins a graph whose generated names begin with prefix. Graphs inside of others need prefixes of their own, as
// ONNX has one name space for all.
func NewGraph(prefix string) *Graph { return &Graph{prefix: prefix} }

func (g *Graph) fresh() string { return fmt.Sprintf("%st%d", g.prefix, len(g.nodes)+len(g.constants)) }

// Op adds a node of one output without attributes. An empty input is an optional one that is left out.
func (g *Graph) Op(op string, in ...string) string { return g.OpWith(op, nil, in...) }

// OpWith adds a node of one output.
func (g *Graph) OpWith(op string, attrs Attrs, in ...string) string {
	out := g.fresh()
	g.Node("", op, attrs, in, out)
	return out
}

// OpTo adds a node of one output that has the given name, such as param_out.
func (g *Graph) OpTo(out, op string, in ...string) string {
	g.Node("", op, nil, in, out)
	return out
}

// Node adds any node; domain is "" for ai.onnx.
func (g *Graph) Node(domain, op string, attrs Attrs, in []string, out ...string) {
	g.nodes = append(g.nodes, node{op: op, domain: domain, in: in, out: out, attrs: attrs})
}

func (g *Graph) constant(typ Type, dims []int, data []byte) string {
	name := g.fresh()
	g.constants = append(g.constants, constant{name, typ, dims, data})
	return name
}

// Double is a constant scalar.
func (g *Graph) Double(x float64) string {
	return g.constant(Double, nil, binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
}

// Float is a constant scalar.
func (g *Graph) Float(x float32) string {
	return g.constant(Float, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
}

// Int is a constant scalar.
func (g *Graph) Int(x int64) string {
	return g.constant(Int64, nil, binary.LittleEndian.AppendUint64(nil, uint64(x)))
}

// Ints is a constant vector.
func (g *Graph) Ints(x ...int64) string {
	var data []byte
	for _, v := range x {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return g.constant(Int64, []int{len(x)}, data)
}

// Cast converts x.
func (g *Graph) Cast(x string, to Type) string { return g.OpWith("Cast", Attrs{"to": to}, x) }

// ToFloat is a double scalar as the float that tensors are multiplied with.
func (g *Graph) ToFloat(x string) string { return g.Cast(x, Float) }

// Rest is 1 - x of a double.
func (g *Graph) Rest(x string) string { return g.Op("Sub", g.Double(1), x) }

// Mix is keep·old + rate·fresh.
func (g *Graph) Mix(keep, old, rate, fresh string) string {
	return g.Op("Add", g.Op("Mul", keep, old), g.Op("Mul", rate, fresh))
}

// MixTo is Mix under a name.
func (g *Graph) MixTo(out, keep, old, rate, fresh string) string {
	return g.OpTo(out, "Add", g.Op("Mul", keep, old), g.Op("Mul", rate, fresh))
}

// Subgraph is a graph as an attribute: a branch of an If or the body of a Loop.
type Subgraph struct {
	graph           *Graph
	name            string
	inputs, outputs []Value
}

// Value is an input or output. Without a type, which those of a Subgraph need not have, it takes that of what it is given.
type Value struct {
	Name string
	Type Type
	Dims []string
}

// Branch is the graph as a branch of an If.
func (g *Graph) Branch(name string, outputs ...string) Subgraph {
	s := Subgraph{graph: g, name: name}
	for _, out := range outputs {
		s.outputs = append(s.outputs, Value{Name: out})
	}
	return s
}

// Body is the graph as the body of a Loop.
func (g *Graph) Body(name string, inputs, outputs []Value) Subgraph {
	return Subgraph{graph: g, name: name, inputs: inputs, outputs: outputs}
}

// If adds a choice between branches, which have the outputs of the node in order.
func (g *Graph) If(condition string, then, otherwise Subgraph, out ...string) {
	g.Node("", "If", Attrs{"then_branch": then, "else_branch": otherwise}, []string{condition}, out...)
}

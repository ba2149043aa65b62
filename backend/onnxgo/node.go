package onnxgo

import (
	"github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	gorgonia "gorgonia.org/tensor"
)

// Node is a value of the graph: an input, an initializer, or a result, which it has after a run.
type Node struct {
	backend  *Backend
	id       int64
	name     string
	value    gorgonia.Tensor
	declared bool // the file says its type, as it does of the graph's outputs
	fed      bool // its tensor was set after the graph was made
	computed bool // by an operator
	read     bool // by one
}

var (
	_ onnx.Namer       = (*Node)(nil)
	_ onnx.DataCarrier = (*Node)(nil)
)

// ID implements graph.Node.
func (n *Node) ID() int64 { return n.id }

// SetName implements onnx.Namer.
func (n *Node) SetName(name string) { n.name = name }

// GetName implements onnx.Namer.
func (n *Node) GetName() string { return n.name }

// SetTensor implements onnx.DataCarrier: it sets the value of an input or initializer. The tensor is read when the model
// runs.
func (n *Node) SetTensor(t gorgonia.Tensor) error {
	n.value = t
	// The decoder sets tensors before it applies operators, and users after that.
	if n.declared = true; len(n.backend.calls) > 0 && !n.computed {
		n.fed = true
	}
	return nil
}

// GetTensor implements onnx.DataCarrier. The tensor of a result is a new one after each run.
func (n *Node) GetTensor() gorgonia.Tensor { return n.value }

// NewNode implements graph.NodeAdder.
func (b *Backend) NewNode() graph.Node { return &Node{backend: b, id: int64(len(b.nodes))} }

// AddNode implements graph.NodeAdder; as gonum asks for, it panics on a node that is there or not from NewNode.
func (b *Backend) AddNode(added graph.Node) {
	n, ok := added.(*Node)
	if !ok || n.backend != b || n.id != int64(len(b.nodes)) {
		panic("onnxgo: a node that is not the one that NewNode made last")
	}
	b.nodes = append(b.nodes, n)
}

// Node implements graph.Graph.
func (b *Backend) Node(id int64) graph.Node {
	if id < 0 || id >= int64(len(b.nodes)) {
		return nil
	}
	return b.nodes[id]
}

// Package onnxgo runs models of github.com/owulveryck/onnx-go on this engine: New gives a backend for onnx.NewModel.
//
// A model gets here through onnx-go's decoder, with what that can and cannot read: no 16-bit floats, no subgraphs, no
// external data, and nothing of the file but its graph.
package onnxgo

import (
	"fmt"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"gonum.org/v1/gonum/graph"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
)

// DefaultOpset is the newest that onnx-go knew of.
const DefaultOpset = 11

// Backend is a computation graph as onnx-go builds one, and runs it. It is not safe for concurrent use.
type Backend struct {
	opset   int
	nodes   []*Node           // by ID
	inputs  map[int64][]*Node // of the operation that is applied next, by output and place
	calls   []call            // in the order of the file
	program *program          // of the last run; nil when there is none
	pool    *par.Pool
	runs    int64
}

// call is an operator with its inputs and outputs; those that are absent have the empty name.
type call struct {
	operation onnx.Operation
	domain    string
	in, out   []*Node
}

var _ backend.ComputationBackend = (*Backend)(nil)

// New makes a backend for one model. onnx-go does not tell a backend the opset of a model, which decides what its
// operators mean: pass the file's, or 0 for DefaultOpset.
func New(opset int) *Backend {
	if opset == 0 {
		opset = DefaultOpset
	}
	return &Backend{opset: opset, inputs: map[int64][]*Node{}, pool: par.New(0)}
}

// Close frees the memory of the model; results that were taken stay.
func (b *Backend) Close() error {
	b.pool.Close()
	p := b.program
	if b.program = nil; p == nil {
		return nil
	}
	return p.Close()
}

// domains are searched for an operator, as onnx-go drops the domain.
var domains = []string{"", "com.microsoft", "ai.onnx.preview.training"}

// ApplyOperation makes outs the results of an operator on the nodes that edges lead to from the first of them. It
// returns an onnx.ErrNotImplemented for an operator that is not supported.
func (b *Backend) ApplyOperation(o onnx.Operation, outs ...graph.Node) error {
	domain, err := b.domainOf(o.Name)
	if err != nil {
		return &onnx.ErrNotImplemented{Operator: o.Name, Message: err.Error()}
	}
	return b.apply(call{operation: o, domain: domain}, outs)
}

// apply adds a call with its inputs and outputs.
func (b *Backend) apply(c call, outs []graph.Node) error {
	if len(outs) == 0 {
		return fmt.Errorf("onnxgo: operator %s has no output", c.operation.Name)
	}
	c.in = b.inputs[outs[0].ID()]
	for _, out := range outs {
		n, ok := out.(*Node)
		if !ok || b.Node(n.id) != out {
			return fmt.Errorf("onnxgo: operator %s has an output that is no node of this backend", c.operation.Name)
		}
		delete(b.inputs, n.id)
		n.computed = n.name != ""
		c.out = append(c.out, n)
	}
	for _, n := range c.in {
		n.read = true
	}
	b.calls = append(b.calls, c)
	return nil
}

// domainOf is the first domain that has the operator.
func (b *Backend) domainOf(typ string) (string, error) {
	var first error
	for _, domain := range domains {
		opset := b.opset
		if domain != "" {
			opset = 1
		}
		_, err := op.Resolve(domain, typ, opset)
		if err == nil {
			return domain, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

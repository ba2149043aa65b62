package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// maxBatchRetries bounds the search for a reading of all Reshape nodes that fits together.
const maxBatchRetries = 1000

// rebatch rewrites a graph whose file fixes the batch size, so that it takes another one. Exporters write the batch into
// the shapes of Reshape and Expand nodes, and into constants such as the initial state of an LSTM.
//
// It infers the graph twice, with the file's batch and node by node with the wanted one, and follows the dimension that
// must scale with the batch: every value has exactly one, or none when it does not depend on the data. A Reshape's new
// shape is its old one with the dimension scaled that takes the place of the input's in row-major order. Where that leaves
// a choice, as dimensions of 1 do, later nodes decide: a reading under which one does not infer, or which has the batch
// twice in a value, is dropped. Nothing fits: the error names the node that the best reading stops at.
type rebatch struct {
	from, to int
	file     []graph.Type   // by Value.ID, under the file's batch
	shapes   []tensor.Shape // constant shapes under the file's batch, by Value.ID
	try      *graph.Graph   // under the wanted batch
	inputs   [][]*graph.Value
	folding  *folding
	outer    []int // by Value.ID: the factor of the scaled dimension that is more significant than the batch
	changes  [][]batchChange
}

// batchChange is a change of an input of a node.
type batchChange struct {
	input int
	// shape is the constant that a Reshape or Expand gets, or what the first slice of source along axis is expanded to.
	shape  tensor.Shape
	source *graph.Value // nil for a new constant shape
	axis   int
}

func fixBatch(b *Built, o *Options) error {
	g := b.Graph
	// Nodes that others take the place of are expanded later; what they make follows the shapes by itself.
	if b.FileBatch == 0 || slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return Expands(n.Op) }) {
		return nil
	}
	r := &rebatch{from: b.FileBatch, to: b.batch, outer: make([]int, len(g.Values)), changes: make([][]batchChange, len(g.Nodes))}
	if err := r.inferFile(g); err != nil {
		return err
	}
	r.try = g.Clone()
	r.folding = newFolding(r.try)
	for _, v := range r.try.Inputs {
		r.outer[v.ID] = 1
	}
	for _, n := range r.try.Nodes {
		r.inputs = append(r.inputs, slices.Clone(n.In))
	}
	if err := r.search(); err != nil {
		return fmt.Errorf("the file fixes the batch size to %d, and a batch of %d does not fit: %w; export the model with a dynamic "+
			"batch axis, or use --batch %d", r.from, r.to, err, r.from)
	}
	for _, l := range o.Loss.All() {
		v, err := PickOutput(r.try, l.Output)
		if err != nil {
			return err
		}
		if a := r.axis(v); a > 0 || a == 0 && r.outer[v.ID] != 1 {
			return fmt.Errorf("the file fixes the batch size to %d, and with a batch of %d output %q becomes %v, without the batch in "+
				"front; export the model with a dynamic batch axis, or use --batch %d", r.from, r.to, v.Name, v.Type.Shape, r.from)
		}
	}
	return r.apply(g)
}

// inferFile infers a copy of the graph under the file's batch.
func (r *rebatch) inferFile(g *graph.Graph) error {
	c := g.Clone()
	for _, v := range c.Inputs {
		if s := v.Type.Shape; len(s) > 0 && s[0] == r.to {
			v.Type.Shape = s.Clone()
			v.Type.Shape[0] = r.from
		}
	}
	folding := newFolding(c)
	for _, n := range c.Nodes {
		if _, err := folding.node(n); err != nil {
			return err
		}
	}
	r.file, r.shapes = make([]graph.Type, len(c.Values)), make([]tensor.Shape, len(c.Values))
	for i, v := range c.Values {
		r.file[i] = v.Type
		if v.Kind == graph.Const && v.Type.DType == tensor.Int64 && len(v.Type.Shape) == 1 {
			r.shapes[i] = ints(v.Init)
		}
	}
	return nil
}

func ints(t *tensor.Tensor) tensor.Shape {
	s := tensor.Shape{}
	for _, d := range t.Int64s() {
		s = append(s, int(d))
	}
	return s
}

// apply makes the changes to the graph itself.
func (r *rebatch) apply(g *graph.Graph) error {
	nodes := g.Nodes
	g.Nodes = make([]*graph.Node, 0, len(nodes))
	count := 0
	for i, n := range nodes {
		for _, c := range r.changes[i] {
			count++
			shape := wide(g, c.shape...)
			if c.source == nil {
				n.In[c.input] = shape
				continue
			}
			source := g.Values[c.source.ID]
			if d := c.source.Type.Shape[c.axis]; d != 1 {
				source = insert(g, n, "Slice", source, wide(g, 0), wide(g, 1), wide(g, c.axis))
			}
			n.In[c.input] = insert(g, n, "Expand", source, shape)
		}
		g.Nodes = append(g.Nodes, n)
	}
	if count == 0 {
		g.Notice("the file fixes the batch size to %d, and nothing in it depends on that", r.from)
	} else {
		g.Notice("the file fixes the batch size to %d; %d shapes in it were rewritten for batches of other sizes", r.from, count)
	}
	return nil
}

// insert appends a node that is inferred later, on behalf of n.
func insert(g *graph.Graph, n *graph.Node, typ string, in ...*graph.Value) *graph.Value {
	out := g.NewValue("", graph.Computed, graph.Type{})
	id := graph.OpID{Type: typ, Since: 13} // of both Slice and Expand
	g.AddNode(&graph.Node{Name: fmt.Sprintf("%s/%s_%d", n.Name, typ, out.ID), Op: id, In: in, Out: []*graph.Value{out}})
	return out
}

// wide adds a constant int64 vector.
func wide(g *graph.Graph, v ...int) *graph.Value {
	t := tensor.New(tensor.Int64, len(v))
	for i, d := range v {
		t.I64()[i] = int64(d)
	}
	return g.NewConst("", t)
}

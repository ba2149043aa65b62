package cpu

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// recomputed is a graph in which values that wait long for little are computed a second time. What a rectified BatchNorm gives
// is the input of the next convolution and is needed once more for that one's weight gradient; until then it need not be kept:
// x, which it is of, is, and a channel's factor and shift, and with these it takes one turn over memory, while the gradient of
// the weights has hundreds of operations for each element.
type recomputed struct {
	*graph.Graph
	original map[*graph.Node]*graph.Node // of nodes that read a value computed anew
}

const (
	recomputeWorth = 1024    // operations on each element of the value by those who read it again
	recomputeLeast = 1 << 20 // bytes of the value
)

// again is the operator of nodes that recompute; graphs outside of Compile have none.
var again = graph.OpID{Domain: op.Internal, Type: "Again", Since: 1}

func recompute(g *graph.Graph, o backend.Options) recomputed {
	r := recomputed{g, map[*graph.Node]*graph.Node{}}
	if o.NoReuse || o.Reference {
		return r
	}
	readers := map[*graph.Value][]*graph.Node{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if v != nil {
				readers[v] = append(readers[v], n)
			}
		}
	}
	kept := lastReads(g, o.Keep)
	anew := map[*graph.Node]*graph.Node{} // by the first node that needs one, what recomputes
	for _, n := range g.Nodes {
		if rectifies(n) && kept[n.Out[0].ID] != never {
			r.without(n, readers, anew)
		}
	}
	r.replace(anew)
	return r
}

// rectifies reports a BatchNorm of the forward pass whose result is a function of x, a factor and a shift.
func rectifies(n *graph.Node) bool {
	if n.Origin != nil || n.Op.Type != "FusedBatchNorm" || n.Op.Domain != op.Internal || gateOf(n).kind != "relu" || n.Input(5) != nil {
		return false
	}
	y := n.Out[0]
	return y != nil && n.Output(5) != nil && n.Output(6) != nil && y.Type.DType == n.In[0].Type.DType && bytesOf(y.Type) >= recomputeLeast
}

// without lets the gradients that read n's result read one that is computed anew, where that pays and nothing else of the
// backward pass reads it.
func (r *recomputed) without(n *graph.Node, readers map[*graph.Value][]*graph.Node, anew map[*graph.Node]*graph.Node) {
	x, y := n.In[0], n.Out[0]
	var late []*graph.Node
	work := 0
	for _, reader := range readers[y] {
		if reader.Origin == nil {
			continue
		}
		if reader.Op.Type != "ConvGradWeight" || reader.Op.Domain != op.Internal || reader.In[0] == y {
			return
		}
		late = append(late, reader)
		work += 2 * reader.In[0].Type.Shape.Elems() * reader.Out[0].Type.Shape[1:].Elems()
	}
	kept := slices.ContainsFunc(readers[x], func(reader *graph.Node) bool { return reader.Op.Type == "FusedBatchNormGrad" })
	if len(late) == 0 || !kept || work < recomputeWorth*y.Type.Shape.Elems() {
		return
	}
	if len(r.original) == 0 {
		own := *r.Graph
		own.Values = slices.Clone(own.Values)
		r.Graph = &own
	}
	twin := r.NewValue("", graph.Computed, y.Type)
	anew[late[0]] = &graph.Node{Name: n.Name + "/again", Op: again, In: []*graph.Value{x, n.Out[5], n.Out[6]}, Out: []*graph.Value{twin}, Origin: late[0].Origin}
	for _, reader := range late {
		other := *reader
		other.In = slices.Clone(reader.In)
		other.In[slices.Index(reader.In, y)] = twin
		r.original[&other] = reader
	}
}

// replace puts the nodes in.
func (r *recomputed) replace(anew map[*graph.Node]*graph.Node) {
	if len(anew) == 0 {
		return
	}
	other := make(map[*graph.Node]*graph.Node, len(r.original))
	for n, original := range r.original {
		other[original] = n
	}
	nodes := make([]*graph.Node, 0, len(r.Nodes)+len(anew))
	for _, n := range r.Nodes {
		if a := anew[n]; a != nil {
			nodes = append(nodes, a)
		}
		if o := other[n]; o != nil {
			n = o
		}
		nodes = append(nodes, n)
	}
	r.Nodes = nodes
}

// node is what others know a node as.
func (r *recomputed) node(n *graph.Node) *graph.Node {
	if original := r.original[n]; original != nil {
		return original
	}
	return n
}

// computeAgain rounds as BatchNorm's own kernel does.
var computeAgain = Kernel{
	Name:    "again/relu",
	Scratch: elementRooms,
	Bind: func(_ *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error) {
		c, room := channelsOf(in[0]), roomsIn(s, 2, halfBlock)
		x, factor, shift, y := vectorOf(in[0]), in[1].F32(), in[2].F32(), vectorOf(out[0])
		step := stepOf(x)
		body := func(worker, lo, hi int) {
			block := room.of(worker, 0)
			for i := lo; i < hi; i++ {
				ch := i % c.c
				for from := i * c.plane; from < (i+1)*c.plane; from += step {
					to := min(from+step, (i+1)*c.plane)
					dst := y.place(block, from, to)
					linalg.ScaleShiftRelu(dst, x.read(block, from, to), factor[ch], shift[ch])
					y.put(dst, from, to)
				}
			}
		}
		return func() error {
			s.Pool.For(c.n*c.c, max(1, chunk/max(c.plane, 1)), body)
			return nil
		}, nil
	},
}

package pass

import (
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// attention makes one FusedAttention of the products, scale, mask, softmax and dropout that exporters write, and of the
// transposes around them. It runs when masks that are stored among the weights have become constants, and before
// gradients; what it replaces stays until clean.
func attention(b *Built, _ *Options) error {
	g := b.Graph
	m := matcher{g: g, uses: g.Uses()}
	var trained []bool
	for _, n := range slices.Clone(g.Nodes) {
		a := m.attentionOf(n)
		if a == nil {
			continue
		}
		if trained == nil {
			trained = reachedByParams(g)
		}
		if a.mask != nil && (a.mask.ID >= len(trained) || trained[a.mask.ID]) {
			continue // the mask needs a gradient
		}
		if err := m.fuseAttention(n, a); err != nil {
			return graph.At(n, err)
		}
	}
	if trained == nil {
		return nil
	}
	return g.Sort()
}

// attentionParts are the operands of attention, heads before positions as the graph has them.
type attentionParts struct {
	q, k, v   *graph.Value
	scale     float64
	mask      *graph.Value // added to the scores
	barred    *graph.Value // bool: the scores that are replaced by -Inf, or with unbarred those that are not
	unbarred  bool
	rng       *graph.Value
	ratio     float64
	key       int
	transpose []int // the permutation that swaps heads and positions
}

// attentionOf matches the product of weights and values; nil where n is none.
func (m *matcher) attentionOf(n *graph.Node) *attentionParts {
	if !plainProduct(n, 0) || n.Out[0].Type.DType != tensor.Float32 {
		return nil
	}
	a := &attentionParts{v: n.In[1]}
	weights := n.In[0]
	if d := m.sole(weights, op.Internal, "Dropout"); d != nil {
		a.rng, a.ratio, a.key = d.In[1], d.Attrs.Float("ratio", 0.5), d.Attrs.Int("key", 0)
		weights = d.In[0]
	}
	soft := m.sole(weights, "", "Softmax")
	if soft == nil || !lastAxis(soft) {
		return nil
	}
	scores := m.unmasked(a, soft.In[0])
	if scores == nil || !m.readOnce(scores) || scores.Producer == nil || !plainProduct(scores.Producer, 1) {
		return nil
	}
	p := scores.Producer
	a.q, a.k, a.scale = p.In[0], p.In[1], p.Attrs.Float("alpha", 1)
	switch rank := len(a.q.Type.Shape); rank {
	case 3:
		a.transpose = []int{1, 0, 2}
	case 4:
		a.transpose = []int{0, 2, 1, 3}
	default:
		return nil
	}
	if !a.fits() {
		return nil
	}
	return a
}

// plainProduct reports a product of two matrices, the second one transposed or not.
func plainProduct(n *graph.Node, transB int) bool {
	switch {
	case n.Op.Domain == "" && n.Op.Type == "MatMul":
		return transB == 0
	case n.Op.Domain == op.Internal && n.Op.Type == "FusedMatMul":
		return n.Attrs.Int("transA", 0) == 0 && n.Attrs.Int("transB", 0) == transB && (transB == 1 || n.Attrs.Float("alpha", 1) == 1)
	}
	return false
}

func lastAxis(n *graph.Node) bool {
	rank := len(n.In[0].Type.Shape)
	axis := n.Attrs.Int("axis", -1)
	if n.Op.Since < 13 {
		axis = n.Attrs.Int("axis", 1)
	}
	return axis == -1 || axis == rank-1
}

// unmasked is the scores before a mask, which it notes; nil where there is a mask that cannot be added.
func (m *matcher) unmasked(a *attentionParts, v *graph.Value) *graph.Value {
	n := v.Producer
	if n == nil || n.Op.Domain != "" || !m.readOnce(v) {
		return v
	}
	inf := func(v *graph.Value) bool { c, ok := scalarConst(v); return ok && math.IsInf(c, -1) }
	switch {
	case n.Op.Type == "Where" && inf(n.In[1]):
		a.barred = n.In[0]
		return n.In[2]
	case n.Op.Type == "Where" && inf(n.In[2]):
		a.barred, a.unbarred = n.In[0], true
		return n.In[1]
	case n.Op.Type == "Add":
		for i, s := range n.In {
			if s.Producer != nil && plainProduct(s.Producer, 1) && s.Type.Shape.Equal(v.Type.Shape) {
				a.mask = n.In[1-i]
				return s
			}
		}
		return nil
	}
	return v
}

// fits reports whether queries, keys and values have the same heads.
func (a *attentionParts) fits() bool {
	q, k, v := a.q.Type.Shape, a.k.Type.Shape, a.v.Type.Shape
	r := len(q)
	return len(k) == r && len(v) == r && q[:r-2].Equal(k[:r-2]) && q[:r-2].Equal(v[:r-2]) && k[r-2] == v[r-2] && q[r-1] == k[r-1]
}

// sole is the node of that operator that computes v, when v has no other reader than the one at hand.
func (m *matcher) sole(v *graph.Value, domain, typ string) *graph.Node {
	n := v.Producer
	if n == nil || n.Op.Domain != domain || n.Op.Type != typ || !m.readOnce(v) {
		return nil
	}
	return n
}

func (m *matcher) readOnce(v *graph.Value) bool {
	return v.ID < len(m.uses) && len(m.uses[v.ID]) == 1 && !slices.Contains(m.g.Outputs, v)
}

// fuseAttention puts the new node beside n and makes n's readers read it.
func (m *matcher) fuseAttention(n *graph.Node, a *attentionParts) error {
	e := &fuser{g: m.g}
	attrs := graph.MakeAttrs("scale", a.scale, "ratio", a.ratio, "key", a.key)
	q, k, v := e.packed(a), (*graph.Value)(nil), (*graph.Value)(nil)
	if q != nil {
		attrs = attrs.With("packed", 1)
	} else {
		q, k, v = e.positionsFirst(a, a.q), e.positionsFirst(a, a.k), e.positionsFirst(a, a.v)
	}
	y := e.emit(op.Internal, "FusedAttention", attrs, q, k, v, e.mask(a), a.rng)
	if len(a.transpose) == 3 && e.err == nil {
		y = e.reshape(y, y.Type.Shape[1:])
	}
	if e.err != nil {
		return e.err
	}
	out := n.Out[0]
	for _, reader := range m.uses[out.ID] {
		if reader.Op.Domain == "" && reader.Op.Type == "Transpose" && slices.Equal(reader.Attrs.Ints("perm"), a.transpose) {
			m.g.Replace(reader.Out[0], y)
		}
	}
	m.g.Replace(out, e.emit("", "Transpose", graph.MakeAttrs("perm", a.transpose), y))
	return e.err
}

// fuser emits nodes; the first error sticks.
type fuser struct {
	g   *graph.Graph
	err error
}

func (e *fuser) emit(domain, typ string, attrs graph.Attrs, in ...*graph.Value) *graph.Value {
	if e.err != nil {
		return nil
	}
	out, err := op.Build(e.g, nil, domain, typ, attrs, 1, in...)
	if err != nil {
		e.err = err
		return nil
	}
	return out[0]
}

func (e *fuser) ints(list ...int) *graph.Value {
	t := tensor.New(tensor.Int64, len(list))
	for i, v := range list {
		t.I64()[i] = int64(v)
	}
	return e.g.NewConst("", t)
}

func (e *fuser) reshape(v *graph.Value, shape tensor.Shape) *graph.Value {
	return e.emit("", "Reshape", nil, v, e.ints(shape...))
}

// mask is what is added to the scores, nil for nothing.
func (e *fuser) mask(a *attentionParts) *graph.Value {
	if a.barred == nil {
		return a.mask
	}
	number := func(x float64) *graph.Value { return e.g.NewConst("", tensor.Scalar(float32(x))) }
	yes, no := number(math.Inf(-1)), number(0)
	if a.unbarred {
		yes, no = no, yes
	}
	return e.emit("", "Where", nil, a.barred, yes, no)
}

// reachedByParams says by ID which values depend on a parameter.
func reachedByParams(g *graph.Graph) []bool {
	reached := make([]bool, len(g.Values))
	for _, v := range g.Params() {
		reached[v.ID] = true
	}
	for _, n := range g.Nodes {
		if slices.ContainsFunc(n.In, func(v *graph.Value) bool { return v != nil && reached[v.ID] }) {
			for _, v := range n.Out {
				if v != nil {
					reached[v.ID] = true
				}
			}
		}
	}
	return reached
}

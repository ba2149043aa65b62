package pass

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// fuse makes one FusedBatchNorm of a BatchNorm in training form, the sum of its result and a residual, and the Relu or Clip
// behind, so that values between them never go through memory. It runs before gradients, which are fused by its rule.
// float64, which judges fused operators, stays as it is.
func fuse(b *Built, _ *Options) error {
	m := matcher{g: b.Graph, uses: b.Graph.Uses()}
	gone := map[*graph.Node]bool{}
	for _, n := range b.Graph.Nodes {
		if n.Op.Domain != op.Internal || n.Op.Type != "BatchNormTraining" || n.Out[0].Type.DType != tensor.Float32 {
			continue
		}
		f := batchNormFusion{matcher: &m, built: b, gone: gone, norm: n, last: n, attrs: n.Attrs}
		f.takeSum()
		f.takeActivation()
		if f.last == n {
			continue
		}
		if err := f.apply(); err != nil {
			return err
		}
	}
	b.Graph.RemoveNodes(func(n *graph.Node) bool { return gone[n] })
	return nil
}

// batchNormFusion is a BatchNormTraining and what can be computed with it, of which last is the last node and the others
// go.
type batchNormFusion struct {
	*matcher
	built      *Built
	gone       map[*graph.Node]bool
	norm, last *graph.Node
	through    []*graph.Node // from norm to last, less last
	residual   *graph.Value
	attrs      graph.Attrs
}

// next is the only reader of what there is so far, nil where that must stay.
func (f *batchNormFusion) next() *graph.Node {
	y := f.last.Out[0]
	if !f.readOnce(y) || y == f.built.Loss || y == f.built.Output {
		return nil
	}
	n := f.uses[y.ID][0]
	if f.gone[n] || n.Op.Domain != "" || !n.Out[0].Type.Shape.Equal(y.Type.Shape) {
		return nil
	}
	return n
}

func (f *batchNormFusion) extend(n *graph.Node) {
	f.through = append(f.through, f.last)
	f.last = n
}

func (f *batchNormFusion) takeSum() {
	n := f.next()
	if n == nil || n.Op.Type != "Add" {
		return
	}
	r := other(n, f.last.Out[0])
	if r == f.last.Out[0] || !r.Type.Shape.Equal(n.Out[0].Type.Shape) {
		return
	}
	f.residual = r
	f.extend(n)
}

// takeActivation leaves a Clip of a sum, of which y alone does not say where it let the gradient through.
func (f *batchNormFusion) takeActivation() {
	n := f.next()
	switch {
	case n == nil:
	case n.Op.Type == "Relu":
		f.attrs = f.attrs.With("activation", "relu")
		f.extend(n)
	case n.Op.Type == "Clip" && f.residual == nil:
		attrs := f.attrs.With("activation", "clip")
		for i, name := range []string{"low", "high"} {
			bound, ok := clipBound(n, i)
			if !ok {
				return
			}
			if bound != nil {
				attrs = attrs.With(name, *bound)
			}
		}
		f.attrs = attrs
		f.extend(n)
	}
}

// clipBound is the lower (0) or upper (1) bound of a Clip, nil where there is none; false where it is not a constant.
func clipBound(n *graph.Node, i int) (*float64, bool) {
	if v := n.Input(i + 1); v != nil {
		c, ok := scalarConst(v)
		return &c, ok
	}
	if name := []string{"min", "max"}[i]; n.Attrs.Has(name) {
		c := n.Attrs.Float(name, 0)
		return &c, true
	}
	return nil, true
}

// apply makes the last node the fused one, as that stands behind everything that it reads.
func (f *batchNormFusion) apply() error {
	in := f.norm.In
	if f.residual != nil {
		in = append(in[:5:5], f.residual)
	}
	id := graph.OpID{Domain: op.Internal, Type: "FusedBatchNorm", Since: 1}
	if err := f.become(f.last, id, f.attrs, len(f.norm.Out)-1, in...); err != nil {
		return err
	}
	for i, v := range f.norm.Out[1:] {
		if v != nil {
			f.g.Replace(v, f.last.Out[i+1])
		}
	}
	for _, n := range f.through {
		f.gone[n] = true
	}
	return nil
}

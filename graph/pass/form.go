package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// RNGInput is the name of the input [seed, step] that random operators read.
const RNGInput = "onnxtrain.rng"

// form puts BatchNormalization and Dropout into training or inference form, whichever form the file has.
func form(b *Built, o *Options) error {
	if o.Literal {
		return nil
	}
	g := b.Graph
	hasBatchNorm, biasedConvs := false, 0
	norms := newBatchNorms(g, o)
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		if n.Op.Domain != "" || !o.Training && asksForMore(g, n) {
			continue
		}
		switch n.Op.Type {
		case "BatchNormalization":
			hasBatchNorm = true
			if err := formBatchNorm(g, n, norms.usesBatch(n)); err != nil {
				return err
			}
		case "Dropout":
			formDropout(b, n, i, o.Training)
		case "Conv":
			if n.Input(2) != nil {
				biasedConvs++
			}
		}
	}
	g.RemoveNodes(func(n *graph.Node) bool {
		return n.Op.Type == "Dropout" && n.Op.Domain == "" && (o.Training || !asksForMore(g, n))
	})
	if biasedConvs > 4 && !hasBatchNorm && reluAfterConv(g) {
		g.Notice("the model has no BatchNormalization and %d convolutions with a bias: an inference export folds "+
			"BatchNormalization away. To train with it, say --unfold-bn, or export the model again with "+
			"torch.onnx.export(…, training=TrainingMode.TRAINING, do_constant_folding=False)", biasedConvs)
	}
	return nil
}

// asksForMore reports a node of which the graph returns other outputs than the first, such as a dropout mask: it is
// run literally then.
func asksForMore(g *graph.Graph, n *graph.Node) bool {
	return slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return v != nil && slices.Contains(g.Outputs, v) })
}

// formDropout rewires the readers of a Dropout, which form removes; in training form an internal one takes its place.
func formDropout(b *Built, n *graph.Node, at int, training bool) {
	ratio := n.Attrs.Float("ratio", 0.5)
	if t := n.ConstInput(1); t != nil {
		ratio = t.Float64s()[0]
	}
	if !training || ratio == 0 {
		b.Graph.Replace(n.Out[0], n.In[0])
		return
	}
	rng := b.rng()
	n.Op = graph.OpID{Domain: op.Internal, Type: "Dropout", Since: 1}
	n.In = []*graph.Value{n.In[0], rng}
	n.Out = n.Out[:1]
	// The key tells one Dropout's mask from another's in the same step.
	n.Attrs = graph.MakeAttrs("ratio", ratio, "key", at)
}

func reluAfterConv(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool {
		if n.Op.Type != "Relu" && n.Op.Type != "Clip" || n.In[0].Producer == nil {
			return false
		}
		return n.In[0].Producer.Op.Type == "Conv"
	})
}

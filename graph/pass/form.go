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
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		if n.Op.Domain != "" || !o.Training && asksForMore(g, n) {
			continue
		}
		switch n.Op.Type {
		case "BatchNormalization":
			hasBatchNorm = true
			if err := formBatchNorm(g, n, o.Training); err != nil {
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
			"BatchNormalization away. To train it with BatchNorm, export it again with "+
			"torch.onnx.export(…, training=TrainingMode.TRAINING, do_constant_folding=False)", biasedConvs)
	}
	return nil
}

// asksForMore reports a node of which the graph returns other outputs than the first, such as a dropout mask: it is
// run literally then.
func asksForMore(g *graph.Graph, n *graph.Node) bool {
	return slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return v != nil && slices.Contains(g.Outputs, v) })
}

func formBatchNorm(g *graph.Graph, n *graph.Node, training bool) error {
	// Before opset 14 training form is said by five outputs, from 14 on by training_mode and three.
	training = training && n.In[3].Kind == graph.State && n.In[4].Kind == graph.State
	n.Out = n.Out[:1]
	if !training {
		n.Attrs = n.Attrs.Without("training_mode")
		return nil
	}
	n.Op = graph.OpID{Domain: op.Internal, Type: "BatchNormTraining", Since: 1}
	n.Attrs = graph.MakeAttrs("epsilon", n.Attrs.Float("epsilon", 1e-5), "momentum", n.Attrs.Float("momentum", 0.9))
	for _, v := range n.In[1:3] {
		if v.Kind == graph.Const && v.Init == nil {
			return graph.Errorf(n, "input %q has no value", v.Name)
		}
	}
	for range 4 {
		v := g.NewValue("", graph.Computed, graph.Type{})
		v.Producer = n
		n.Out = append(n.Out, v)
	}
	def, err := op.Of(n)
	if err != nil {
		return err
	}
	g.Updates = append(g.Updates, graph.Update{State: n.In[3], Value: n.Out[1]}, graph.Update{State: n.In[4], Value: n.Out[2]})
	return graph.At(n, def.Infer(n))
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

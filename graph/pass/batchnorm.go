package pass

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
)

// What BatchNormalization takes in training.
const (
	// BatchNormAuto takes the statistics of the batch, but the running ones in a layer that is frozen: whose scale and
	// shift are not trained, or which a file in training form leaves in inference form.
	BatchNormAuto   = "auto"
	BatchNormTrain  = "train"  // always the statistics of the batch
	BatchNormFrozen = "frozen" // always the running statistics, which stay; scale and shift are trained
)

// batchNorms decides which BatchNormalization nodes use the statistics of the batch.
type batchNorms struct {
	training bool
	mode     string
	// trained says that some node of the file is in training form.
	trained bool
}

func newBatchNorms(g *graph.Graph, o *Options) batchNorms {
	isTrained := func(n *graph.Node) bool {
		return n.Op.Type == "BatchNormalization" && n.Op.Domain == "" && inTrainingForm(n)
	}
	return batchNorms{o.Training, o.BatchNorm, slices.ContainsFunc(g.Nodes, isTrained)}
}

// inTrainingForm: before opset 14 training form is said by more outputs than one, from 14 on by training_mode.
func inTrainingForm(n *graph.Node) bool {
	if n.Op.Since >= 14 {
		return n.Attrs.Bool("training_mode", false)
	}
	return slices.ContainsFunc(n.Out[1:], func(v *graph.Value) bool { return v != nil })
}

func (b batchNorms) usesBatch(n *graph.Node) bool {
	stateful := n.In[3].Kind == graph.State && n.In[4].Kind == graph.State
	switch {
	case !b.training || !stateful || b.mode == BatchNormFrozen:
		return false
	case b.mode == BatchNormTrain:
		return true
	}
	frozen := n.In[1].Kind == graph.Const && n.In[2].Kind == graph.Const
	return !frozen && (inTrainingForm(n) || !b.trained)
}

func formBatchNorm(g *graph.Graph, n *graph.Node, training bool) error {
	n.Out = n.Out[:1]
	if !training {
		n.Attrs = n.Attrs.Without("training_mode")
		return nil
	}
	n.Op = graph.OpID{Domain: op.Internal, Type: "BatchNormTraining", Since: 1}
	n.Attrs = graph.MakeAttrs("epsilon", n.Attrs.Float("epsilon", 1e-5), "momentum", n.Attrs.Float("momentum", 0.9))
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

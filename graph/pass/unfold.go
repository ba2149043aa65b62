package pass

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Unfolded is a BatchNormalization that was put after a convolution whose own an inference export has folded away. As made
// it changes nothing: mean 0, variance 1, the scale that undoes epsilon, and the convolution's bias as its shift. With scale
// s = Scale/√(Var+Epsilon) the layer is the convolution with weight s·Weight and bias Shift - s·Mean, for each output channel:
// that is how it goes back into the file, which has no place for the values that are new.
type Unfolded struct {
	Input     *graph.Value // of the BatchNormalization: the convolution's output, without its bias
	Weight    *graph.Value // of the convolution, output channels first
	Scale     *graph.Value // new
	Shift     *graph.Value // under the name of the convolution's bias
	Mean, Var *graph.Value // new
	Epsilon   float64
}

// unfold puts BatchNormalization after convolutions, when asked to. PyTorch gives folded weights names of the form
// onnx::Conv_N; where a file has such names, only those convolutions are meant, otherwise all with a bias of their own but
// the one that the model ends in.
func unfold(b *Built, o *Options) error {
	if !o.UnfoldBatchNorm {
		return nil
	}
	g := b.Graph
	for _, n := range g.Nodes {
		if n.Op.Type == "BatchNormalization" && n.Op.Domain == "" && inTrainingForm(n) {
			return graph.Errorf(n, "--unfold-bn: the file has BatchNormalization in training form, so none was folded away; leave the option out")
		}
	}
	convs := foldedConvs(g, o.trains)
	if len(convs) == 0 {
		return fmt.Errorf("--unfold-bn: no convolution that is trained has a weight and a bias of its own, so none can have had a " +
			"BatchNormalization folded into it; leave the option out")
	}
	def, err := op.Resolve("", "BatchNormalization", op.EmitOpset)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, v := range g.Values {
		names[v.Name] = true
	}
	nodes := g.Nodes
	g.Nodes = make([]*graph.Node, 0, len(nodes)+len(convs))
	for _, n := range nodes {
		g.Nodes = append(g.Nodes, n)
		if !slices.Contains(convs, n) {
			continue
		}
		u := newUnfolded(g, n, names)
		out := n.Out[0]
		n.In = n.In[:2]
		n.Out = []*graph.Value{u.Input}
		u.Input.Producer = n
		// In training form, so that it does not count as one that its author left in inference form.
		g.AddNode(&graph.Node{Name: n.Name + "/BatchNormalization", Op: def.ID(), Out: []*graph.Value{out},
			Attrs: graph.MakeAttrs("epsilon", u.Epsilon, "training_mode", 1), In: []*graph.Value{u.Input, u.Scale, u.Shift, u.Mean, u.Var}})
		b.Unfolded = append(b.Unfolded, u)
	}
	g.Notice("BatchNormalization was put after %d convolutions; it is folded back into them in files that are written", len(convs))
	return nil
}

// foldedConvs lists the convolutions that may have had a BatchNormalization; those that are not trained stay as they are.
func foldedConvs(g *graph.Graph, trained func(string) bool) []*graph.Node {
	uses := g.Uses()
	own := func(v *graph.Value) bool {
		return v != nil && v.Kind == graph.Const && isWeightLike(v) && len(uses[v.ID]) == 1 && trained(v.Name)
	}
	var all, renamed []*graph.Node
	for _, n := range g.Nodes {
		if n.Op.Type != "Conv" || n.Op.Domain != "" || n.Out[0] == nil || !own(n.Input(1)) || !own(n.Input(2)) ||
			!trained(unfoldedName(n.In[1])+".weight") || isLast(g, uses, n.Out[0]) ||
			len(n.In[1].Type.Shape) < 3 || n.In[1].Type.Shape[0] != n.In[2].Type.Shape.Elems() || beforeBatchNorm(uses[n.Out[0].ID]) {
			continue
		}
		all = append(all, n)
		if strings.HasPrefix(n.In[1].Name, "onnx::Conv") {
			renamed = append(renamed, n)
		}
	}
	if len(renamed) > 0 {
		return renamed
	}
	return all
}

func beforeBatchNorm(readers []*graph.Node) bool {
	return slices.ContainsFunc(readers, func(n *graph.Node) bool { return n.Op.Type == "BatchNormalization" })
}

// isLast reports a value that reaches an output through nothing but nodes that have no weights and one reader each.
func isLast(g *graph.Graph, uses [][]*graph.Node, v *graph.Value) bool {
	for !slices.Contains(g.Outputs, v) {
		if v == nil || len(uses[v.ID]) != 1 {
			return false
		}
		n := uses[v.ID][0]
		if slices.ContainsFunc(n.In[1:], func(x *graph.Value) bool { return x != nil && isWeightLike(x) }) {
			return false
		}
		v = n.Out[0]
	}
	return true
}

// unfoldedName begins the names of what is new in the layer of a convolution with a weight.
func unfoldedName(weight *graph.Value) string {
	return strings.TrimSuffix(weight.Name, ".weight") + ".bn"
}

func newUnfolded(g *graph.Graph, conv *graph.Node, names map[string]bool) Unfolded {
	u := Unfolded{Weight: conv.In[1], Shift: conv.In[2], Epsilon: float64(float32(1e-5))}
	u.Input = g.NewValue("", graph.Computed, graph.Type{})
	base := unfoldedName(conv.In[1])
	for names[base+".weight"] || names[base+".running_mean"] || names[base+".running_var"] {
		base += "_"
	}
	filled := func(name string, x float64) *graph.Value {
		t := tensor.New(u.Shift.Type.DType, u.Shift.Type.Shape.Elems())
		all := make([]float64, t.Elems())
		for i := range all {
			all[i] = x
		}
		t.SetFloat64s(all)
		names[base+name] = true
		return g.NewConst(base+name, t)
	}
	u.Scale, u.Mean, u.Var = filled(".weight", math.Sqrt(1+u.Epsilon)), filled(".running_mean", 0), filled(".running_var", 1)
	return u
}

package train

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Wants is what the model asks of a data set: its inputs without the batch axis, and the labels that its outputs suggest.
// An input that a loss of the model's own compares with is a label. Several losses call their labels label.OUT.
func Wants(m *onnxload.Model, loss pass.Loss) (data.Want, error) {
	g, err := m.NewGraph()
	if err != nil {
		return data.Want{}, fail(BadModel, err)
	}
	outs, err := readOutputs(m, loss)
	if err != nil {
		return data.Want{}, err
	}
	var w data.Want
	tokens := false
	inputs := map[string]data.Field{}
	for _, v := range g.Inputs {
		if len(v.Type.Shape) == 0 {
			return w, failf(BadModel, "%s: input %q has shape %s; training needs a batch axis", m.Path, v.Name, pass.Dims(v))
		}
		f := data.Field{Name: v.Name, DType: v.Type.DType, Shape: v.Type.Shape[1:].Clone()}
		inputs[v.Name] = f
		if slices.ContainsFunc(outs, func(o output) bool { return o.label == v.Name }) {
			continue
		}
		w.Inputs = append(w.Inputs, f)
		tokens = tokens || v.Type.DType.IsInt()
	}
	if len(w.Inputs) == 0 {
		return w, failf(BadModel, "%s: the model has no input", m.Path)
	}
	all := loss.All()
	for i, o := range outs {
		l := labelFor(all[i].Kind, o.Type, tokens)
		switch {
		case o.label != "":
			l.Field = inputs[o.label]
		case o.own && len(outs) > 1:
			continue
		case o.own: // whatever labels the data have are not read
			l = data.Label{Field: data.Field{DType: tensor.Int64, Shape: tensor.Shape{}}}
			w.Unlabelled = true
			fallthrough
		default:
			l.Name = labelName(all, i)
		}
		w.AddLabel(l)
	}
	return w, nil
}

// labelFor is the label that an output suggests under a kind of loss, of DType Invalid when it suggests none.
func labelFor(kind string, out graph.Type, tokens bool) data.Label {
	var l data.Label
	rank := len(out.Shape)
	switch {
	case kind == "mse" || kind == "l1" || kind == "huber" || kind == "bce":
		l.DType = tensor.Float32
		if rank > 0 {
			l.Shape = out.Shape[1:].Clone()
		}
	case rank == 2 && out.Shape[1] == 1 && kind != "ce" && kind != "nll":
		l.DType, l.Shape = tensor.Float32, tensor.Shape{1}
	case rank == 2:
		l.DType, l.Shape, l.Classes = tensor.Int64, tensor.Shape{}, max(out.Shape[1], 0)
	case rank == 3 && tokens:
		l.DType, l.Shape, l.Classes = tensor.Int64, out.Shape[1:2].Clone(), max(out.Shape[2], 0)
	case rank > 3:
		l.DType, l.Shape, l.Classes = tensor.Int64, out.Shape[2:].Clone(), max(out.Shape[1], 0)
	}
	return l
}

// output is what a loss looks at.
type output struct {
	graph.Type
	own   bool   // the model computes the loss itself
	label string // the input that it then compares with, "" when that is not known
}

// readOutputs infers what each loss looks at with stand-ins for open dimensions, or else takes what the file says.
func readOutputs(m *onnxload.Model, loss pass.Loss) ([]output, error) {
	g, err := m.NewGraph()
	if err != nil {
		return nil, fail(BadModel, err)
	}
	o := pass.Options{Loss: pass.Loss{Kind: "none"}, Shapes: standIns(g)}
	openLength := slices.ContainsFunc(g.Inputs, func(v *graph.Value) bool {
		return len(v.Type.Shape) > 0 && slices.Contains(v.Type.Shape[1:], -1)
	})
	declared := map[string]graph.Type{}
	for _, v := range g.Outputs {
		declared[v.Name] = v.Type
	}
	_, failed := pass.Build(g, o)
	var outs []output
	for _, l := range loss.All() {
		v, err := pass.PickOutput(g, l.Output)
		if err != nil {
			return nil, fail(BadModel, err)
		}
		if failed != nil {
			if declared[v.Name].Shape == nil {
				return nil, fail(BadModel, failed)
			}
			outs = append(outs, output{Type: declared[v.Name]})
			continue
		}
		out := output{Type: v.Type}
		if l.Kind == pass.ModelLoss || len(loss.And) == 0 && (l.Kind == "" || l.Kind == "auto") {
			own, err := pass.FindLoss(g, l.Output)
			if err != nil {
				return nil, fail(BadModel, err)
			}
			if own != nil {
				out = ownOutput(own)
			}
		}
		out.Shape = out.Shape.Clone()
		for i := 1; i < len(out.Shape)-1 && openLength; i++ {
			if out.Shape[i] == standIn { // it may follow an open dimension
				out.Shape[i] = -1
			}
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// standIn is taken for open dimensions.
const standIn = 16

// standIns are the shapes of a graph's inputs with stand-ins.
func standIns(g *graph.Graph) map[string]tensor.Shape {
	shapes := map[string]tensor.Shape{}
	for _, v := range g.Inputs {
		shape := v.Type.Shape.Clone()
		for i, d := range shape {
			if d == -1 {
				shape[i] = standIn
			}
		}
		shapes[v.Name] = shape
	}
	return shapes
}

func ownOutput(own *pass.OwnLoss) output {
	out := output{own: true}
	if own.Label != nil {
		out.label = own.Label.Name
	}
	if own.Scores != nil {
		out.Type = own.Scores.Type
	}
	return out
}

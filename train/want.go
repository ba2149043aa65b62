package train

import (
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Wants is what the model asks of a data set: its inputs without the batch axis, and the label that its output suggests.
func Wants(m *onnxload.Model, loss pass.Loss) (data.Want, error) {
	g, err := m.NewGraph()
	if err != nil {
		return data.Want{}, fail(BadModel, err)
	}
	var w data.Want
	tokens := false
	for _, v := range g.Inputs {
		if len(v.Type.Shape) == 0 {
			return w, failf(BadModel, "%s: input %q has shape %s; training needs a batch axis", m.Path, v.Name, pass.Dims(v))
		}
		w.Inputs = append(w.Inputs, data.Field{Name: v.Name, DType: v.Type.DType, Shape: v.Type.Shape[1:].Clone()})
		tokens = tokens || v.Type.DType.IsInt()
	}
	if len(w.Inputs) == 0 {
		return w, failf(BadModel, "%s: the model has no input", m.Path)
	}
	out, err := outputType(m, g, loss)
	if err != nil {
		return w, err
	}
	w.Label = data.Field{Name: "label"}
	rank := len(out.Shape)
	switch kind := loss.Kind; {
	case kind == "mse" || kind == "l1" || kind == "huber" || kind == "bce":
		w.Label.DType = tensor.Float32
		if rank > 0 {
			w.Label.Shape = out.Shape[1:].Clone()
		}
	case rank == 2 && out.Shape[1] == 1 && kind != "ce":
		w.Label.DType, w.Label.Shape = tensor.Float32, tensor.Shape{1}
	case rank == 2:
		w.Label.DType, w.Label.Shape, w.Classes = tensor.Int64, tensor.Shape{}, max(out.Shape[1], 0)
	case rank == 3 && tokens:
		w.Label.DType, w.Label.Shape, w.Classes = tensor.Int64, out.Shape[1:2].Clone(), max(out.Shape[2], 0)
	case rank > 3:
		w.Label.DType, w.Label.Shape, w.Classes = tensor.Int64, out.Shape[2:].Clone(), max(out.Shape[1], 0)
	}
	return w, nil
}

// outputType is the type of the output that the loss looks at: inferred with stand-ins for open dimensions, or else
// what the file says.
func outputType(m *onnxload.Model, g *graph.Graph, loss pass.Loss) (graph.Type, error) {
	const standIn = 16
	o := pass.Options{Loss: pass.Loss{Kind: "none", Output: loss.Output}, Shapes: map[string]tensor.Shape{}}
	openLength := false
	for _, v := range g.Inputs {
		shape := v.Type.Shape.Clone()
		for i, d := range shape {
			if d == -1 {
				shape[i] = standIn
				openLength = openLength || i > 0
			}
		}
		o.Shapes[v.Name] = shape
	}
	declared := g.Outputs
	built, err := pass.Build(g, o)
	if err == nil {
		t := built.Output.Type
		t.Shape = t.Shape.Clone()
		for i := 1; i < len(t.Shape)-1 && openLength; i++ {
			if t.Shape[i] == standIn { // it may follow an open dimension
				t.Shape[i] = -1
			}
		}
		return t, nil
	}
	for _, v := range declared {
		if (loss.Output == "" || v.Name == loss.Output) && v.Type.Shape != nil {
			return v.Type, nil
		}
	}
	return graph.Type{}, fail(BadModel, err)
}

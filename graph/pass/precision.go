package pass

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// ONNX element types in attributes (onnx.proto, TensorProto.DataType).
const (
	onnxFloat  = 1
	onnxDouble = 11
)

// precision makes the graph compute in float64 what the file says in float32, when asked to: initializers and tensors in
// attributes are widened, inputs are cast where they are read. Few kernels take float64, so this is for verification.
func precision(b *Built, o *Options) error {
	switch o.DType {
	case tensor.Invalid, tensor.Float32, tensor.BFloat16Type: // bfloat16 comes last, see narrow
		return nil
	case tensor.Float64:
	default:
		return fmt.Errorf("a graph cannot be built in %v; float32, float64 and bfloat16 are possible", o.DType)
	}
	widen(b.Graph)
	return castInputs(b.Graph)
}

// widen works on a graph and the graphs of its nodes.
func widen(g *graph.Graph) {
	for _, v := range g.Values {
		if v.Init != nil && v.Type.DType == tensor.Float32 && !sizesOnly(g, v) {
			v.Init = widened(v.Init)
			v.Type.DType = tensor.Float64
		}
	}
	for _, n := range g.Nodes {
		widenAttributes(n)
	}
}

func widened(t *tensor.Tensor) *tensor.Tensor {
	wide := tensor.New(tensor.Float64, t.Shape...)
	wide.SetFloat64s(t.Float64s())
	return wide
}

// sizesOnly reports a constant that only gives Resize its scales, which are float32 whatever the data are.
func sizesOnly(g *graph.Graph, v *graph.Value) bool {
	read := false
	for _, n := range g.Nodes {
		for i, in := range n.In {
			if in != v {
				continue
			}
			if n.Op.Domain != "" || n.Op.Type != "Resize" && n.Op.Type != "Upsample" || i == 0 {
				return false
			}
			read = true
		}
	}
	return read
}

func widenAttributes(n *graph.Node) {
	if n.Op.Domain == "" {
		switch n.Op.Type {
		case "ConstantOfShape":
			if !n.Attrs.Has("value") {
				n.Attrs = n.Attrs.With("value", tensor.Vector(0.0))
			}
		case "RandomUniform", "RandomNormal":
			if !n.Attrs.Has("dtype") {
				n.Attrs = n.Attrs.With("dtype", onnxDouble)
			}
		}
	}
	for _, a := range n.Attrs {
		switch v := a.Value.(type) {
		case *graph.Graph:
			widen(v)
		case *tensor.Tensor:
			if v.DType == tensor.Float32 {
				n.Attrs = n.Attrs.With(a.Name, widened(v))
			}
		case float32:
			if a.Name == "value_float" {
				n.Attrs = n.Attrs.Without(a.Name).With("value", tensor.Scalar(float64(v)))
			}
		case []float32:
			if a.Name == "value_floats" {
				n.Attrs = n.Attrs.Without(a.Name).With("value", widened(tensor.Vector(v...)))
			}
		case int64:
			if v == onnxFloat && (a.Name == "to" || a.Name == "dtype" || a.Name == "output_datatype") {
				n.Attrs = n.Attrs.With(a.Name, onnxDouble)
			}
		}
	}
}

// castInputs puts a Cast behind every float32 input.
func castInputs(g *graph.Graph) error {
	def, err := op.Resolve("", "Cast", op.EmitOpset)
	if err != nil {
		return err
	}
	for _, in := range g.Inputs {
		if in.Type.DType != tensor.Float32 {
			continue
		}
		wide := g.NewValue(in.Name+"_f64", graph.Computed, graph.Type{})
		g.Replace(in, wide)
		g.AddNode(&graph.Node{Name: in.Name + "_Cast", Op: def.ID(), Attrs: graph.MakeAttrs("to", onnxDouble),
			In: []*graph.Value{in}, Out: []*graph.Value{wide}})
	}
	return g.Sort()
}

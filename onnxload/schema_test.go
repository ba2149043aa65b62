package onnxload

import (
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// TestAttributesThatAreRefused gives standard operators attributes that would be passed over, and their defaults taken.
func TestAttributesThatAreRefused(t *testing.T) {
	holds := func(a *onnxpb.AttributeProto, change func(*onnxpb.AttributeProto)) *onnxpb.AttributeProto {
		change(a)
		return a
	}
	for _, c := range []struct {
		name string
		n    *onnxpb.NodeProto
		want string // "" for no error
	}{
		{"a whole number for a real one", node("LeakyRelu", "x", "y", attr("alpha", 2)), `attribute "alpha" is of type int, LeakyRelu takes float`},
		{"a list for a number", node("Softmax", "x", "y", attr("axis", []int64{1})), `attribute "axis" is of type ints, Softmax takes int`},
		{"a name that there is not", node("LeakyRelu", "x", "y", attr("aplha", float32(2))), `LeakyRelu has no attribute "aplha" in opset 17`},
		{"of a later version", node("Cast", "x", "y", attr("to", 1), attr("saturate", 1)), `Cast has no attribute "saturate" in opset 17`},
		{"of an earlier version", node("Relu", "x", "y", attr("consumed_inputs", []int64{0})), `Relu has no attribute "consumed_inputs" in opset 17`},
		{"another value than the type says", node("Softmax", "x", "y", holds(attr("axis", 1), func(a *onnxpb.AttributeProto) {
			a.I, a.F = nil, ptr[float32](1)
		})), `attribute "axis": it is said to be of type INT and holds [FLOAT]`},
		{"two values", node("Softmax", "x", "y", holds(attr("axis", 1), func(a *onnxpb.AttributeProto) { a.S = []byte("1") })),
			`attribute "axis": it is said to be of type INT and holds [INT STRING]`},
		{"no value", node("Softmax", "x", "y", holds(attr("axis", 1), func(a *onnxpb.AttributeProto) { a.I = nil })),
			`attribute "axis": the value that its type promises is not there`},
		{"no text", node("Pad", "x", "y", holds(attr("mode", "edge"), func(a *onnxpb.AttributeProto) { a.S = nil })),
			`attribute "mode": the value that its type promises is not there`},
		{"an empty text", node("Pad", "x", "y", attr("mode", "")), ""}, // which Pad itself does not take
		{"an empty list", node("Flatten", "x", "y", attr("axis", []int64{})), `attribute "axis" is of type ints, Flatten takes int`},
		{"an operator that there is not", node("Frobnicate", "x", "y", attr("any", 1)), ""}, // which is said later
		{"all right", node("LeakyRelu", "x", "y", attr("alpha", float32(2))), ""},
	} {
		m := mustDecode(t, file(graphOf("x", "y", nil, c.n)))
		switch _, err := m.NewGraph(); {
		case c.want == "" && err != nil:
			t.Errorf("%s: error %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestFunctionWithoutName refuses what no node can call.
func TestFunctionWithoutName(t *testing.T) {
	p := file(graphOf("x", "y", nil, node("Relu", "x", "y")))
	p.Functions = []*onnxpb.FunctionProto{{}}
	if _, err := Decode("m.onnx", encode(t, p)); err == nil || !strings.Contains(err.Error(), "a function has no name") {
		t.Errorf("error %v", err)
	}
}

package onnxload

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// forms prints nodes with what says "training" about them.
func forms(nodes []*onnxpb.NodeProto) string {
	var lines []string
	for _, n := range nodes {
		line := n.GetOpType() + "(" + strings.Join(n.Input, ",") + ")" + strings.Join(n.Output, ",")
		for _, a := range n.Attribute {
			if a.GetName() == "training_mode" || a.GetName() == "is_test" {
				line += " " + a.GetName() + "=" + string(rune('0'+a.GetI()))
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func TestSaveLeavesInferenceForm(t *testing.T) {
	yes := func(out string) *onnxpb.NodeProto {
		return node("Constant", "", out, attr("value", initializer("", tensor.Scalar(true))))
	}
	flag := initializer("flag", tensor.Scalar(true))
	bn := func(out string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
		return node("BatchNormalization", "x,s,b,m,v", out, attrs...)
	}
	for _, c := range []struct {
		name  string
		opset int64
		nodes []*onnxpb.NodeProto
		want  string
	}{
		{"batch norm 14", 14, []*onnxpb.NodeProto{bn("y,rm,rv", attr("training_mode", 1))},
			"BatchNormalization(x,s,b,m,v)y training_mode=0"},
		{"batch norm 14 in inference form", 15, []*onnxpb.NodeProto{bn("y")}, "BatchNormalization(x,s,b,m,v)y"},
		{"batch norm 13", 13, []*onnxpb.NodeProto{bn("y,rm,rv,sm,sv")}, "BatchNormalization(x,s,b,m,v)y"},
		{"batch norm 6", 6, []*onnxpb.NodeProto{bn("y,rm,rv,sm,sv", attr("is_test", 0))},
			"BatchNormalization(x,s,b,m,v)y is_test=1"},
		{"batch norm 6 without is_test", 6, []*onnxpb.NodeProto{bn("y")}, "BatchNormalization(x,s,b,m,v)y is_test=1"},
		{"batch norm of which more is read", 14, []*onnxpb.NodeProto{bn("h,rm,rv", attr("training_mode", 1)), node("Add",
			"h,rm", "y")},
			"BatchNormalization(x,s,b,m,v)h,rm,rv training_mode=1; Add(h,rm)y"},
		{"dropout 13", 13, []*onnxpb.NodeProto{yes("t"), node("Dropout", "x,r,t", "y,mask")}, "Dropout(x,r)y"},
		{"dropout 13 without ratio", 13, []*onnxpb.NodeProto{yes("t"), node("Dropout", "x,,t", "y")}, "Dropout(x)y"},
		{"dropout 12 by initializer", 12, []*onnxpb.NodeProto{node("Dropout", "x,r,flag", "y")}, "Dropout(x,r)y"},
		{"dropout 13, flag read elsewhere", 13, []*onnxpb.NodeProto{yes("t"), node("Dropout", "x,r,t", "h"), node("Where",
			"t,h,x", "y")},
			"Constant()t; Dropout(x,r)h; Where(t,h,x)y"},
		{"dropout 13, one flag for two", 13, []*onnxpb.NodeProto{yes("t"), node("Dropout", "x,r,t", "h"), node("Dropout",
			"h,r,t", "y")},
			"Dropout(x,r)h; Dropout(h,r)y"},
		{"dropout 13 with the user's flag", 13, []*onnxpb.NodeProto{node("Dropout", "x,r,user", "y,mask")}, "Dropout(x,r,user)y"},
		{"dropout 13 of which the mask is read", 13, []*onnxpb.NodeProto{yes("t"), node("Dropout", "x,r,t", "h,mask"),
			node("Where", "mask,h,x", "y")},
			"Dropout(x,r)h,mask; Where(mask,h,x)y"},
		{"dropout 7", 7, []*onnxpb.NodeProto{node("Dropout", "x", "y,mask")}, "Dropout(x)y"},
		{"dropout 6", 6, []*onnxpb.NodeProto{node("Dropout", "x", "y,mask", attr("is_test", 0))}, "Dropout(x)y is_test=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graphOf("x,user", "y", some(flag, initializer("r", tensor.Scalar[float32](0.5)), initializer("s", row(1, 1)),
				initializer("b", row(0, 0)), initializer("m", row(0, 0)), initializer("v", row(1, 1))), c.nodes...)
			for _, n := range c.nodes {
				for _, name := range n.Output {
					g.ValueInfo = append(g.ValueInfo, floats2(name))
				}
			}
			p := file(g)
			p.OpsetImport = imports("", c.opset)
			out := saved(t, mustDecode(t, p), nil)
			if got := forms(out.proto.Graph.Node); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, v := range out.proto.Graph.ValueInfo {
				if name := v.GetName(); !slices.ContainsFunc(out.proto.Graph.Node,
					func(n *onnxpb.NodeProto) bool { return slices.Contains(n.Output, name) }) {
					t.Errorf("value_info of %q is left", name)
				}
			}
		})
	}
}

func TestSaveLeavesInferenceFormInsideSubgraphsAndFunctions(t *testing.T) {
	body := graphOf("", "t", nil, node("Dropout", "x,r,flag", "t"))
	f := fn("Drop", "x", "y", node("Constant", "", "one", attr("value", initializer("", tensor.Scalar(true)))),
		node("Dropout", "x,,one", "h,mask"),
		node("BatchNormalization", "h,h,h,h,h", "y,rm,rv", ref("training_mode", "train", onnxpb.AttributeProto_INT)))
	f.Attribute = []string{"train"}
	g := graphOf("x,c", "z", some(initializer("flag", tensor.Scalar(true)), initializer("r", tensor.Scalar[float32](0.5))),
		node("If", "c", "y", attr("then_branch", body), attr("else_branch", body)), call("Drop", "y", "z", attr("train", 1)))
	out := saved(t, mustDecode(t, withFunctions(g, f)), nil)
	if got := forms(out.proto.Graph.Node[0].Attribute[0].G.Node); got != "Dropout(x,r)t" {
		t.Errorf("subgraph: %s", got)
	}
	if got := forms(out.proto.Functions[0].Node); got != "Dropout(x)h; BatchNormalization(h,h,h,h,h)y training_mode=0" {
		t.Errorf("function: %s", got)
	}
}

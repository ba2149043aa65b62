package onnxload

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// fn is a function of domain "f" whose nodes are of opset 16.
func fn(name, inputs, outputs string, nodes ...*onnxpb.NodeProto) *onnxpb.FunctionProto {
	return &onnxpb.FunctionProto{Name: &name, Domain: ptr("f"), Input: names(inputs), Output: names(outputs), Node: nodes,
		OpsetImport: append(imports("", 16), imports("f", 1)...)}
}

func call(name, inputs, outputs string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
	n := node(name, inputs, outputs, attrs...)
	n.Domain = ptr("f")
	return n
}

func withFunctions(g *onnxpb.GraphProto, functions ...*onnxpb.FunctionProto) *onnxpb.ModelProto {
	p := file(g, functions...)
	p.OpsetImport = append(p.OpsetImport, imports("f", 1)...)
	return p
}

func listing(g *graph.Graph) string {
	var b strings.Builder
	for _, n := range g.Nodes {
		var in, out []string
		for _, v := range n.In {
			if v == nil {
				in = append(in, "_")
			} else {
				in = append(in, v.Name)
			}
		}
		for _, v := range n.Out {
			out = append(out, v.Name)
		}
		fmt.Fprintf(&b, "%s = %v(%s)\n", strings.Join(out, ", "), n.Op, strings.Join(in, ", "))
	}
	return b.String()
}

func TestFunctionsAreExpanded(t *testing.T) {
	// Scaled(x, s) = Relu(x·s); Twice(x) = Scaled(Scaled(x)), with s absent in the second call.
	scaled := fn("Scaled", "x,s", "y", node("Mul", "x,s", "m"), node("Relu", "m", "y"))
	twice := fn("Twice", "x,s", "y", call("Scaled", "x,s", "h"), call("Scaled", "h", "y"))
	g := graphOf("x,s", "z", nil, call("Twice", "x,s", "node y/h"), call("Twice", "node y/h,s", "y"), node("Relu", "y", "z"))
	got := mustGraph(t, mustDecode(t, withFunctions(g, scaled, twice)))
	// The name "node y/h" is taken in the file, so the value inside of the second call gets another.
	want := `node node y/h/node h/m = Mul-16(x, s)
node node y/h/h = Relu-16(node node y/h/node h/m)
node node y/h/node y/m = Mul-16(node node y/h/h, _)
node y/h = Relu-16(node node y/h/node y/m)
node y/node h/m = Mul-16(node y/h, s)
node y/h_2 = Relu-16(node y/node h/m)
node y/node y/m = Mul-16(node y/h_2, _)
y = Relu-16(node y/node y/m)
z = Relu-17(y)
`
	if text := listing(got); text != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	if name := got.Nodes[0].Name; name != "node node y/h/node h/node m" {
		t.Errorf("the first node is called %q", name)
	}
}

func TestFunctionAttributes(t *testing.T) {
	f := fn("Act", "x", "y", node("LeakyRelu", "x", "h", ref("alpha", "slope", onnxpb.AttributeProto_FLOAT)),
		node("Elu", "h", "k", ref("alpha", "elu", onnxpb.AttributeProto_FLOAT)),
		node("Selu", "k", "y", ref("gamma", "missing", onnxpb.AttributeProto_FLOAT)))
	f.Attribute = []string{"slope", "missing"}
	f.AttributeProto = []*onnxpb.AttributeProto{attr("elu", float32(0.5))}
	g := mustGraph(t, mustDecode(t, withFunctions(graphOf("x", "y,z", nil, call("Act", "x", "y", attr("slope", float32(0.25))),
		call("Act", "y", "z", attr("slope", float32(0.125)), attr("elu", float32(2)))), f)))
	for i, want := range []float64{0.25, 0.5, -1, 0.125, 2, -1} {
		n := g.Nodes[i]
		got := n.Attrs.Float("alpha", n.Attrs.Float("gamma", -1))
		if got != want {
			t.Errorf("node %d, %s, has %v, want %v", i, n.Op, got, want)
		}
	}
	wantError(t, refusal(t, withFunctions(graphOf("x", "y", nil, call("Act", "x", "y", attr("gain", 1))), f)),
		`m.onnx: node "node y": function f::Act: it has no attribute "gain"`)
	wantError(t, refusal(t, withFunctions(graphOf("x", "y", nil, call("Act", "x", "y", attr("slope", 1))), f)),
		`node "node y/node h" (LeakyRelu): attribute "alpha" is FLOAT, the function's "slope" is INT`)
}

// TestFunctionsWithSubgraphs checks that names in a subgraph of a function are the call's own, and that references to
// attributes reach into it.
func TestFunctionsWithSubgraphs(t *testing.T) {
	body := graphOf("", "r", some(initializer("k", row(1, 2))), node("Add", "x,k", "q"), node("LeakyRelu", "q", "r",
		ref("alpha", "slope", onnxpb.AttributeProto_FLOAT)))
	f := fn("Choose", "x,c", "y", node("If", "c", "y", attr("then_branch", body), attr("else_branch", body)))
	f.Attribute = []string{"slope"}
	g := mustGraph(t, mustDecode(t, withFunctions(graphOf("x,c", "y,z", nil, call("Choose", "x,c", "y", attr("slope",
		float32(0.25))),
		call("Choose", "y,c", "z", attr("slope", float32(0.5)))), f)))
	for i, want := range []float64{0.25, 0.5} {
		n := g.Nodes[i]
		sub := n.Attrs.Graph("then_branch")
		if err := sub.Check(); err != nil {
			t.Fatal(err)
		}
		captured := []string{"x", "y"}[i]
		if a := sub.Nodes[1].Attrs.Float("alpha", 0); a != want || n.In[1].Name != captured ||
			sub.Nodes[0].In[0].Name != captured ||
			sub.Nodes[0].Op.Since != 16 || !sub.Nodes[0].In[1].Init.Shape.Equal([]int{2}) {
			t.Errorf("call %d: alpha %v\n%v", i, a, sub)
		}
	}
	// A function sees nothing of the graph that calls it.
	leak := fn("Leak", "x", "y", node("Add", "x,outer", "y"))
	wantError(t, refusal(t, withFunctions(graphOf("x,outer", "y", nil, call("Leak", "x", "y")), leak)),
		`node "node y": function f::Leak: node "node y/node y" (Add): "outer" is not defined in the function`)
	leak = fn("Leak", "x,c", "y", node("If", "c", "y", attr("then_branch", graphOf("", "t", nil, node("Relu", "outer", "t")))))
	wantError(t, refusal(t, withFunctions(graphOf("x,outer,c", "y", nil, call("Leak", "x,c", "y")), leak)),
		`"outer" is not defined in the function`)
}

func TestFunctionsCalledFromSubgraphs(t *testing.T) {
	f := fn("Double", "x", "y", node("Add", "x,x", "y"))
	then := graphOf("", "t", nil, call("Double", "x", "t"))
	otherwise := graphOf("", "e", nil, node("Relu", "x", "e"))
	g := mustGraph(t, mustDecode(t, withFunctions(graphOf("x,c", "y", nil,
		node("If", "c", "y", attr("then_branch", then), attr("else_branch", otherwise))), f)))
	if got := listing(g.Nodes[0].Attrs.Graph("then_branch")); got != "t = Add-16(x, x)\n" {
		t.Errorf("%s", got)
	}
}

func TestFunctionsThatHandInputsThrough(t *testing.T) {
	f := fn("Pair", "x", "x,y,y", node("Relu", "x", "y"))
	g := mustGraph(t, mustDecode(t, withFunctions(graphOf("x", "a,b,c", nil, call("Pair", "x", "a,b,c")), f)))
	if got, want := listing(g), "b = Relu-16(x)\na = Identity-16(x)\nc = Identity-16(b)\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOverloadsAreDifferentFunctions(t *testing.T) {
	relu, neg := fn("Act", "x", "y", node("Relu", "x", "y")), fn("Act", "x", "y", node("Neg", "x", "y"))
	neg.Overload = ptr("neg")
	c := call("Act", "x", "y")
	c.Overload = ptr("neg")
	if got := ops(mustGraph(t, mustDecode(t, withFunctions(graphOf("x", "y", nil, c), relu, neg)))); got != "Neg" {
		t.Errorf("%s", got)
	}
}

func TestFunctionsThatAreRefused(t *testing.T) {
	one := graphOf("x", "y", nil, call("F", "x", "y"))
	bomb := []*onnxpb.FunctionProto{fn("F0", "x", "y", node("Relu", "x", "y"))}
	for i := range 30 {
		inner := fmt.Sprintf("F%d", i)
		bomb = append(bomb, fn(fmt.Sprintf("F%d", i+1), "x", "y", call(inner, "x", "h"), call(inner, "h", "y")))
	}
	var deep []*onnxpb.FunctionProto
	for i := range 200 {
		deep = append(deep, fn(fmt.Sprintf("F%d", i), "x", "y", call(fmt.Sprintf("F%d", i+1), "x", "y")))
	}
	noOpset := fn("F", "x", "y", node("Relu", "x", "y"))
	noOpset.OpsetImport = nil
	for _, c := range []struct {
		name string
		p    *onnxpb.ModelProto
		want string
	}{
		{"itself", withFunctions(one, fn("F", "x", "y", call("F", "x", "y"))),
			"function calls nest without end or too deep: f::F -> f::F"},
		{"each other", withFunctions(one, fn("F", "x", "y", call("G", "x", "y")), fn("G", "x", "y", call("F", "x", "y"))),
			"f::F -> f::G -> f::F"},
		{"too deep", withFunctions(graphOf("x", "y", nil, call("F0", "x", "y")), deep...), "too deep: f::F0 -> f::F1 -> f::F2"},
		{"too many nodes", withFunctions(graphOf("x", "y", nil, call("F30", "x", "y")), bomb...),
			"expand to far more than any real model has"},
		{"twice", withFunctions(one, fn("F", "x", "y", node("Relu", "x", "y")), fn("F", "x", "y")),
			"function f::F is defined twice"},
		{"inputs", withFunctions(graphOf("x", "y", nil, call("F", "x,x", "y")), fn("F", "x", "y", node("Relu", "x", "y"))),
			`node "node y": function f::F: 2 inputs and 1 outputs in a call of one with 1 and 1`},
		{"undefined", withFunctions(one, fn("F", "x", "y", node("Add", "x,q", "y"))),
			`node "node y/node y" (Add): "q" is not defined in the function`},
		{"never computed", withFunctions(one, fn("F", "x", "y", node("Relu", "x", "q"))), `output "y" is never computed`},
		{"defined twice", withFunctions(one, fn("F", "x", "y", node("Relu", "x", "y"), node("Neg", "x", "y"))),
			`node "node y" (Neg): output "y" is defined already`},
		{"no opset", withFunctions(one, noOpset), `node "node y/node y" (Relu-0): no opset of domain "" is imported`},
		{"input without name", withFunctions(one, fn("F", "x,x", "y", node("Relu", "x", "y"))),
			`its input 1, "x", has no name or another's`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, refusal(t, c.p), "m.onnx: ", c.want)
		})
	}
}

package pass

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// draft builds a graph or subgraph as a file has it: opset versions unresolved and types unknown.
type draft struct{ *graph.Graph }

func newDraft() draft { return draft{graph.New("draft")} }

func (d draft) input(name string, dt tensor.DType, shape ...int) *graph.Value {
	v := d.NewValue(name, graph.Input, graph.Type{DType: dt, Shape: tensor.Shape(shape).Clone()})
	d.Inputs = append(d.Inputs, v)
	return v
}

// capture is a value of a subgraph that stands for one around it.
func (d draft) capture(name string) *graph.Value { return d.NewValue(name, graph.Input, graph.Type{}) }

func (d draft) node(typ string, outs int, attrs graph.Attrs, in ...*graph.Value) []*graph.Value {
	n := &graph.Node{Name: typ, Op: graph.OpID{Type: typ, Since: 17}, Attrs: attrs, In: in}
	for i := range outs {
		n.Out = append(n.Out, d.NewValue(fmt.Sprintf("%s%d_%d", typ, len(d.Nodes), i), graph.Computed, graph.Type{}))
	}
	return d.AddNode(n).Out
}

func (d draft) returns(v ...*graph.Value) draft {
	d.Outputs = append(d.Outputs, v...)
	return d
}

// run builds for inference and evaluates with x as the inputs, in order.
func run(t *testing.T, g *graph.Graph, x ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	feed := map[*graph.Value]*tensor.Tensor{}
	for i, v := range g.Inputs {
		feed[v] = x[i]
	}
	if _, err := Build(g, Options{Loss: Loss{Kind: "none"}}); err != nil {
		t.Fatal(err)
	}
	return evaluate(t, g, feed)
}

func evaluate(t *testing.T, g *graph.Graph, feed map[*graph.Value]*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	values, err := op.Evaluate(g, feed)
	if err != nil {
		t.Fatal(err)
	}
	var out []*tensor.Tensor
	for _, v := range g.Outputs {
		out = append(out, values[v.ID])
	}
	return out
}

func wantFloats(t *testing.T, got *tensor.Tensor, shape tensor.Shape, want ...float64) {
	t.Helper()
	if !got.Shape.Equal(shape) {
		t.Fatalf("shape %v, want %v", got.Shape, shape)
	}
	for i, v := range got.Float64s() {
		if math.Abs(v-want[i]) > 1e-6 {
			t.Fatalf("%v, want %v", got.Float64s(), want)
		}
	}
}

// branches is an If that gives x+1 or, without the condition, 3x, with x captured.
func branches(d draft, cond, x *graph.Value) *graph.Value {
	then, otherwise := newDraft(), newDraft()
	a, b := then.capture("x"), otherwise.capture("x")
	then.returns(then.node("Add", 1, nil, a, then.NewConst("one", tensor.Vector[float32](1)))...)
	otherwise.returns(otherwise.node("Mul", 1, nil, b, otherwise.NewConst("three", tensor.Vector[float32](3)))...)
	attrs := graph.MakeAttrs("then_branch", then.Graph, "else_branch", otherwise.Graph)
	return d.node("If", 1, attrs, cond, x)[0]
}

func TestIfTakesTheBranchOfAConstant(t *testing.T) {
	for cond, want := range map[bool]float64{true: 3, false: 6} {
		d := newDraft()
		x := d.input("x", tensor.Float32, 1)
		y := branches(d, d.NewConst("cond", tensor.Scalar(cond)), x)
		wantFloats(t, run(t, d.returns(y).Graph, tensor.Vector[float32](2))[0], tensor.Shape{1}, want)
		if len(d.Nodes) != 2 || d.Outputs[0] != y {
			t.Errorf("%d nodes are left, the output is %q:\n%v", len(d.Nodes), d.Outputs[0].Name, d)
		}
	}
}

func TestIfSelectsWhenTheConditionIsData(t *testing.T) {
	for cond, want := range map[bool]float64{true: 3, false: 6} {
		d := newDraft()
		x, c := d.input("x", tensor.Float32, 1), d.input("c", tensor.Bool, 1)
		got := run(t, d.returns(branches(d, c, x)).Graph, tensor.Vector[float32](2), tensor.Vector(cond))
		wantFloats(t, got[0], tensor.Shape{1}, want)
	}
}

// The branch that is not taken may hold what is not supported.
func TestIfIgnoresTheOtherBranch(t *testing.T) {
	d := newDraft()
	then, otherwise := newDraft(), newDraft()
	a, b := then.capture("x"), otherwise.capture("x")
	then.returns(then.node("Neg", 1, nil, a)...)
	otherwise.returns(otherwise.node("NoSuchOperator", 1, nil, b)...)
	x := d.input("x", tensor.Float32, 1)
	cond := d.NewConst("cond", tensor.Scalar(true))
	y := d.node("If", 1, graph.MakeAttrs("then_branch", then.Graph, "else_branch", otherwise.Graph), cond, x)
	wantFloats(t, run(t, d.returns(y...).Graph, tensor.Vector[float32](2))[0], tensor.Shape{1}, -2)
}

// recurrence is a Loop over s = s w + i, for captured w and the iteration's number i, that also returns all s². Its
// trip count is x's first dimension, as its shape says.
func recurrence(d draft, x, w *graph.Value) []*graph.Value {
	body := newDraft()
	i := body.input("i", tensor.Int64)
	body.input("cond", tensor.Bool)
	s, cw := body.input("s", tensor.Float32, 1), body.capture("w")
	next := body.node("Add", 1, nil, body.node("Mul", 1, nil, s, cw)[0], body.node("Cast", 1, graph.MakeAttrs("to", 1), i)[0])[0]
	going := body.node("Less", 1, nil, i, body.NewConst("limit", tensor.Scalar[int64](2)))[0]
	body.returns(going, next, body.node("Mul", 1, nil, next, next)[0])
	shape := d.node("Shape", 1, nil, x)[0]
	trips := d.node("Gather", 1, nil, shape, d.NewConst("first", tensor.Scalar[int64](0)))[0]
	start := d.node("ReduceSum", 1, graph.MakeAttrs("keepdims", 0), x, d.NewConst("axis", tensor.Vector[int64](0)))[0]
	return d.node("Loop", 2, graph.MakeAttrs("body", body.Graph), trips, nil, start, w)
}

func TestLoopUnrolls(t *testing.T) {
	for _, trips := range []int{0, 1, 2, 9} {
		d := newDraft()
		x := d.input("x", tensor.Float32, trips, 1)
		w := d.NewConst("w", tensor.Vector[float32](1.5))
		outs := recurrence(d, x, w)
		ones := tensor.New(tensor.Float32, trips, 1)
		for i := range ones.F32() {
			ones.F32()[i] = 1
		}
		got := run(t, d.returns(outs...).Graph, ones)
		s, squares := float64(trips), []float64{}
		for i := range min(trips, 3) { // the condition ends it after the iteration 2
			s = s*1.5 + float64(i)
			squares = append(squares, s*s)
		}
		wantFloats(t, got[0], tensor.Shape{1}, s)
		wantFloats(t, got[1], tensor.Shape{len(squares), 1}, squares...)
	}
}

func TestLoopHasAGradient(t *testing.T) {
	d := newDraft()
	x := d.input("x", tensor.Float32, 3, 1)
	w := d.NewConst("w", tensor.Vector[float32](0.5))
	d.returns(recurrence(d, x, w)[1])
	checkGradient(t, d.Graph, tensor.Of[float32](tensor.Shape{3, 1}, 1, -2, 0.5), tensor.New(tensor.Float32, 3, 1))
}

// checkGradient compares the gradients of the mean squared error with finite differences.
func checkGradient(t *testing.T, g *graph.Graph, x, label *tensor.Tensor) {
	t.Helper()
	b, err := Build(g, Options{Training: true, Loss: Loss{Kind: "mse", Label: graph.Type{DType: label.DType, Shape: label.Shape}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	feed := map[*graph.Value]*tensor.Tensor{g.Inputs[0]: x, b.Label: label}
	values, err := op.Evaluate(g, feed)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Params) == 0 {
		t.Fatal("no parameter")
	}
	for k, p := range b.Params {
		at := func(i int, by float32) float64 {
			moved := p.Init.Clone()
			moved.F32()[i] += by
			feed[p] = moved
			values, err := op.Evaluate(g, feed)
			if err != nil {
				t.Fatal(err)
			}
			delete(feed, p)
			return values[b.Loss.ID].Float64s()[0]
		}
		for i, got := range values[b.Grads[k].ID].Float64s() {
			const h = 1.0 / 128
			want := (at(i, h) - at(i, -h)) / (2 * h)
			if math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
				t.Errorf("gradient %d of %q is %v, finite differences give %v", i, p.Name, got, want)
			}
		}
	}
}

// accumulate is the body s, x -> s w + x, its square, with w captured.
func accumulate() draft {
	body := newDraft()
	s, x := body.input("s", tensor.Float32, 2), body.input("x", tensor.Float32, 2)
	next := body.node("Add", 1, nil, body.node("Mul", 1, nil, s, body.capture("w"))[0], x)[0]
	return body.returns(next, body.node("Mul", 1, nil, next, next)[0])
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name  string
		attrs graph.Attrs
		shape tensor.Shape // of the sequence
		out   tensor.Shape
		want  []float64
	}{
		{"forward", nil, tensor.Shape{3, 2}, tensor.Shape{3, 2}, []float64{1, 4, 12.25, 25, 45.5625, 72.25}},
		{"backward", graph.MakeAttrs("scan_input_directions", []int{1}), tensor.Shape{3, 2}, tensor.Shape{3, 2},
			[]float64{25, 36, 30.25, 49, 14.0625, 30.25}},
		{"prepending", graph.MakeAttrs("scan_output_directions", []int{1}), tensor.Shape{3, 2}, tensor.Shape{3, 2},
			[]float64{45.5625, 72.25, 12.25, 25, 1, 4}},
		{"other axes", graph.MakeAttrs("scan_input_axes", []int{-1}, "scan_output_axes", []int{1}), tensor.Shape{2, 3}, tensor.Shape{2, 3},
			[]float64{1, 6.25, 18.0625, 16, 49, 90.25}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft()
			x := d.input("x", tensor.Float32, c.shape...)
			w, s := d.NewConst("w", tensor.Vector[float32](0.5, 0.5)), d.NewConst("s", tensor.Vector[float32](0, 0))
			y := d.node("Scan", 2, c.attrs.With("body", accumulate().Graph).With("num_scan_inputs", 1), s, x, w)
			got := run(t, d.returns(y[1]).Graph, tensor.Of[float32](c.shape, 1, 2, 3, 4, 5, 6))
			wantFloats(t, got[0], c.out, c.want...)
		})
	}
}

func TestScanHasAGradient(t *testing.T) {
	d := newDraft()
	x := d.input("x", tensor.Float32, 4, 2)
	w, s := d.NewConst("w", tensor.Vector[float32](0.5, -0.25)), d.NewConst("s", tensor.Vector[float32](1, 2))
	y := d.node("Scan", 2, graph.MakeAttrs("body", accumulate().Graph, "num_scan_inputs", 1), s, x, w)
	d.returns(y[1])
	checkGradient(t, d.Graph, tensor.Of[float32](tensor.Shape{4, 2}, 1, -2, 0.5, 1, -1, 0, 2, 1), tensor.New(tensor.Float32, 4, 2))
}

func TestNestedSubgraphsReachThroughTheirCaptures(t *testing.T) {
	d := newDraft()
	x := d.input("x", tensor.Float32, 1)
	body := newDraft()
	i := body.input("i", tensor.Int64)
	cond := body.input("cond", tensor.Bool)
	s, outer := body.input("s", tensor.Float32, 1), body.capture("x")
	even := body.node("Equal", 1, nil, i, body.NewConst("zero", tensor.Scalar[int64](0)))[0]
	picked := branches(body, even, outer) // x+1 first, then 3x
	body.returns(cond, body.node("Add", 1, nil, s, picked)[0])
	y := d.node("Loop", 1, graph.MakeAttrs("body", body.Graph), d.NewConst("m", tensor.Scalar[int64](3)), nil, x, x)
	wantFloats(t, run(t, d.returns(y...).Graph, tensor.Vector[float32](2))[0], tensor.Shape{1}, 2+3+6+6)
}

func TestExpansionErrors(t *testing.T) {
	counting := func(attrs graph.Attrs) draft { // a loop that goes on as its captured condition says
		d := newDraft()
		m, c, x := d.input("m", tensor.Int64), d.input("c", tensor.Bool), d.input("x", tensor.Float32, 1)
		body := newDraft()
		body.input("i", tensor.Int64)
		body.input("cond", tensor.Bool)
		s := body.input("s", tensor.Float32, 1)
		going := body.capture("c")
		body.returns(going, body.node("Neg", 1, nil, s)[0])
		if attrs.Has("m") {
			m = d.NewConst("limit", tensor.Scalar(int64(attrs.Int("m", 0))))
		}
		if attrs.Has("c") {
			c = d.NewConst("go", tensor.Scalar(true))
		}
		return d.returns(d.node("Loop", 1, graph.MakeAttrs("body", body.Graph), m, nil, x, c)...)
	}
	other := newDraft()
	x, c := other.input("x", tensor.Float32, 1), other.input("c", tensor.Bool)
	then, otherwise := newDraft(), newDraft()
	a, _ := then.capture("x"), otherwise.capture("x")
	then.returns(a)
	otherwise.returns(otherwise.NewConst("two", tensor.Vector[float32](1, 2)))
	other.returns(other.node("If", 1, graph.MakeAttrs("then_branch", then.Graph, "else_branch", otherwise.Graph), c, x)...)
	unsupported := newDraft()
	inner := accumulate()
	inner.node("NoSuchOperator", 1, nil, inner.Inputs[0])
	v := unsupported.input("x", tensor.Float32, 3, 2)
	unsupported.returns(unsupported.node("Scan", 2, graph.MakeAttrs("body", inner.Graph, "num_scan_inputs", 1), v, v, v)...)
	for _, e := range []struct {
		g    *graph.Graph
		want string
	}{
		{counting(nil).Graph, `node "Loop" (Loop-17): its trip count "m" depends on the data`},
		{counting(graph.MakeAttrs("m", 3)).Graph, `whether iteration 1 runs depends on the data of a batch through "c"`},
		{counting(graph.MakeAttrs("m", 1<<40, "c", 1)).Graph, `node "Loop" (Loop-17): its subgraphs expand to more than 100000 nodes`},
		{other.Graph, `the branches give result 0 as float32[1] and float32[2]`},
		{unsupported.Graph, `operator NoSuchOperator is not supported`},
	} {
		_, err := Build(e.g, Options{Loss: Loss{Kind: "none"}})
		if err == nil || !strings.Contains(err.Error(), e.want) {
			t.Errorf("error %v, want one with %q", err, e.want)
		}
	}
}

package train

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	_ "github.com/onnxtrain/onnxtrain/optimizers"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The exports below testdata/exports hold what real exporters write; each comes with what PyTorch computes on it.

// export is an export with its batch and PyTorch's results.
type export struct {
	Shape      []int
	X          []float64
	Label      []int64
	LabelShape []int `json:"label_shape"`
	Loss       float64
	GradNorms  map[string]float64 `json:"grad_norms"`

	path   string
	engine *Engine
}

func readExport(t *testing.T, name string) *export {
	t.Helper()
	base := filepath.Join("..", "testdata", "exports", name)
	b, err := os.ReadFile(base + ".json")
	if err != nil {
		t.Fatal(err)
	}
	e := &export{path: base + ".onnx"}
	if err := json.Unmarshal(b, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// batch is the recorded batch: tokens are int64 matrices, everything else is float32.
func (e *export) batch() *data.Batch {
	x := tensor.New(tensor.Float32, e.Shape...)
	if len(e.Shape) == 2 && e.Shape[1] == 6 {
		x = tensor.New(tensor.Int64, e.Shape...)
	}
	x.SetFloat64s(e.X)
	return &data.Batch{Tensors: []*tensor.Tensor{x, tensor.Of(e.LabelShape, e.Label...)}, Count: e.Shape[0]}
}

// open builds a training step, on the float64 reference or on kernels.
func (e *export) open(t *testing.T, reference bool, options func(*EngineOptions)) *Program {
	t.Helper()
	m, err := onnxload.Open(e.path, onnxload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := e.batch()
	o := EngineOptions{Reference: reference, Loss: pass.Loss{Kind: "ce"}}
	for i, name := range []string{"x", "label"} {
		o.Fields = append(o.Fields, data.Field{Name: name, DType: b.Tensors[i].DType, Shape: b.Tensors[i].Shape[1:]})
	}
	if options != nil {
		options(&o)
	}
	if e.engine, err = NewEngine(m, b.Count, true, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.engine.Close() })
	p, err := e.engine.Program(b.Count, true)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// step runs a training step of an export and compares loss and gradients with PyTorch. Parameters that the exporter
// renamed are matched by the multiset of norms.
func step(t *testing.T, name string) (*export, *Program) {
	t.Helper()
	e := readExport(t, name)
	for _, reference := range []bool{true, false} {
		p := e.open(t, reference, nil)
		if err := p.Run(context.Background(), e.batch().Tensors, 1, 1); err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(p.Loss() - e.Loss); !(d <= 1e-5) {
			t.Errorf("loss %.8f, PyTorch %.8f", p.Loss(), e.Loss)
		}
		var got, want []float64
		for i, param := range e.engine.Params {
			got = append(got, norm(p.Grads[i]))
			if w, ok := e.GradNorms[param.Name]; ok && !(math.Abs(got[i]-w) <= 1e-4*w+1e-6) {
				t.Errorf("gradient of %s has norm %.7g, PyTorch %.7g", param.Name, got[i], w)
			}
		}
		for _, w := range e.GradNorms {
			want = append(want, w)
		}
		slices.Sort(got)
		slices.Sort(want)
		if len(got) != len(want) {
			t.Logf("%d parameters, PyTorch has %d", len(got), len(want))
			continue
		}
		for i := range got {
			if !(math.Abs(got[i]-want[i]) <= 1e-4*want[i]+1e-6) {
				t.Errorf("norms of gradients %.6g, PyTorch %.6g", got, want)
				break
			}
		}
	}
	p, err := e.engine.Program(e.Shape[0], true)
	if err != nil {
		t.Fatal(err)
	}
	return e, p
}

func norm(t *tensor.Tensor) float64 {
	var s float64
	for _, v := range t.Float64s() {
		s += v * v
	}
	return math.Sqrt(s)
}

func (e *export) params() []string {
	var names []string
	for _, p := range e.engine.Params {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

func wantParams(t *testing.T, e *export, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := e.params(); !slices.Equal(got, want) {
		t.Errorf("parameters %v, want %v", got, want)
	}
}

// count is the number of forward nodes of a type.
func count(p *Program, typ string) int {
	n := 0
	for _, node := range p.Built.Graph.Nodes {
		if node.Origin == nil && node.Op.Type == typ {
			n++
		}
	}
	return n
}

func TestExports01BatchNormInThreeForms(t *testing.T) {
	for _, name := range []string{"01-batchnorm-opset13", "01-batchnorm-opset14", "01-batchnorm-eval"} {
		t.Run(name, func(t *testing.T) {
			e, p := step(t, name)
			if norms := count(p, "BatchNormTraining") + count(p, "FusedBatchNorm"); norms != 1 || len(p.Built.Graph.Updates) != 2 {
				t.Errorf("%d BatchNorms in training form, %d updates of state", norms, len(p.Built.Graph.Updates))
			}
			states := p.Built.Graph.OfKind(graph.State)
			var before [][]float32
			for _, v := range states {
				before = append(before, slices.Clone(p.Tensor(v).F32()))
			}
			p.Commit()
			for i, v := range states {
				if !strings.Contains(v.Name, "running_") {
					t.Errorf("%s is state", v.Name)
				}
				if slices.Equal(before[i], p.Tensor(v).F32()) {
					t.Errorf("%s did not change", v.Name)
				}
			}
			if slices.ContainsFunc(e.params(), func(n string) bool { return strings.Contains(n, "running") }) {
				t.Errorf("parameters %v hold running statistics", e.params())
			}
		})
	}
}

func TestExports02FoldedBatchNormIsReported(t *testing.T) {
	e, _ := step(t, "02-batchnorm-folded")
	if !slices.ContainsFunc(e.engine.Notices, func(s string) bool { return strings.Contains(s, "BatchNormalization") }) {
		t.Errorf("notices %q do not say that BatchNorm was folded away", e.engine.Notices)
	}
}

func TestExports03EqualInitializersMergedThroughIdentity(t *testing.T) {
	e, _ := step(t, "03-equal-initializers")
	for _, name := range []string{"norms.0.weight", "norms.1.weight", "norms.2.weight", "norms.0.bias", "norms.1.bias", "norms.2.bias"} {
		if !slices.Contains(e.params(), name) {
			t.Errorf("no parameter %s in %v", name, e.params())
		}
	}
	e.open(t, false, func(o *EngineOptions) { o.Tie = true })
	if slices.Contains(e.params(), "norms.1.weight") {
		t.Error("--tie does not keep the scales together")
	}
}

func TestExports04RealTyingStaysOneParameter(t *testing.T) {
	e, _ := step(t, "04-tied-train")
	wantParams(t, e, "wte.weight", "fc.weight", "fc.bias")
	// The inference export has lost the tie: the loss is right, the gradients are of two parameters.
	e = readExport(t, "04-tied-eval")
	p := e.open(t, false, nil)
	if err := p.Run(context.Background(), e.batch().Tensors, 1, 1); err != nil || !(math.Abs(p.Loss()-e.Loss) <= 1e-5) {
		t.Errorf("loss %v, PyTorch %v, %v", p.Loss(), e.Loss, err)
	}
	if n := len(e.params()); n != 4 {
		t.Errorf("parameters %v", e.params())
	}
}

func TestExports05LinearInThreeForms(t *testing.T) {
	for _, name := range []string{"05-linear-train", "05-linear-eval"} {
		t.Run(name, func(t *testing.T) {
			_, p := step(t, name)
			if n := count(p, "Transpose"); n != 0 {
				t.Errorf("%d transposes of weights are left in the step", n)
			}
		})
	}
}

func TestExports06ShapeArithmeticFolds(t *testing.T) {
	_, p := step(t, "06-shapes")
	for _, n := range p.Built.Graph.Nodes {
		if !n.Out[0].Type.DType.IsFloat() {
			t.Errorf("%s of type %v is left", n.Op, n.Out[0].Type)
		}
	}
	for _, typ := range []string{"ConstantOfShape", "Where"} {
		if n := count(p, typ); n != 0 {
			t.Errorf("%d %s nodes are left", n, typ)
		}
	}
}

func TestExports07LayerNormAndGeluAreRecognised(t *testing.T) {
	_, p := step(t, "07-activations")
	if count(p, "LayerNormalization") != 1 || count(p, "Gelu") != 2 {
		t.Errorf("%d LayerNormalization and %d Gelu nodes in\n%v", count(p, "LayerNormalization"), count(p, "Gelu"), p.Built.Graph)
	}
	if count(p, "Pow") != 0 {
		t.Error("Pow is left")
	}
}

func TestExports08AttentionWithInfiniteMasks(t *testing.T) {
	e, p := step(t, "08-attention")
	for i, g := range p.Grads {
		if n := norm(g); math.IsNaN(n) || math.IsInf(n, 0) {
			t.Errorf("gradient of %s is %v", e.engine.Params[i].Name, n)
		}
	}
}

func TestExports09MasksThatLookLikeParametersAreConstants(t *testing.T) {
	e, p := step(t, "08-attention")
	if slices.Contains(e.params(), "bias") {
		t.Error("the causal mask is a parameter")
	}
	for _, v := range p.Built.Graph.Values {
		if v.Name == "bias" && v.Kind != graph.Const {
			t.Errorf("the causal mask is %v", v.Kind)
		}
	}
}

func TestExports10Dropout(t *testing.T) {
	_, p := step(t, "10-dropout-zero")
	if n := count(p, "Dropout"); n != 0 {
		t.Errorf("%d Dropout nodes are left of one with ratio 0", n)
	}
	e := readExport(t, "10-dropout")
	p = e.open(t, false, nil)
	if n := count(p, "Dropout"); n != 1 {
		t.Errorf("%d Dropout nodes in training form", n)
	}
	loss := func(seed uint64, step int) float64 {
		if err := p.Run(context.Background(), e.batch().Tensors, seed, step); err != nil {
			t.Fatal(err)
		}
		return p.Loss()
	}
	if first := loss(1, 1); loss(1, 1) != first || loss(1, 2) == first || loss(2, 1) == first {
		t.Error("the mask must be a function of seed and step")
	}
	infer, err := e.engine.Program(e.Shape[0], false)
	if err != nil {
		t.Fatal(err)
	}
	if err := infer.Run(context.Background(), e.batch().Tensors, 1, 1); err != nil || !(math.Abs(infer.Loss()-e.Loss) <= 1e-5) {
		t.Errorf("loss without dropout %v, PyTorch %v, %v", infer.Loss(), e.Loss, err)
	}
}

func TestExports11RecurrentWeightsThroughSliceAndConcat(t *testing.T) {
	rnn := []string{"emb.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "head.weight", "head.bias"}
	e, _ := step(t, "11-lstm-train")
	wantParams(t, e, rnn...)
	e, _ = step(t, "11-gru-train")
	wantParams(t, e, rnn...)
	// In the inference export weights are folded into the operator's layout, both biases in one tensor.
	e = readExport(t, "11-lstm-eval")
	p := e.open(t, false, nil)
	if err := p.Run(context.Background(), e.batch().Tensors, 1, 1); err != nil || !(math.Abs(p.Loss()-e.Loss) <= 1e-5) {
		t.Errorf("loss %v, PyTorch %v, %v", p.Loss(), e.Loss, err)
	}
}

func TestExports12OldIRAndOddValueInfo(t *testing.T) {
	m, err := onnxload.Open(filepath.Join("..", "testdata", "exports", "08-attention.onnx"), onnxload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.NewGraph()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Inputs) != 1 || g.Inputs[0].Name != "x" {
		t.Errorf("inputs %v; initializers are not inputs in IR 7", g.Inputs)
	}
	// What the file says about intermediate values must not be believed: sizes follow the batch at hand.
	built, err := pass.Build(g, pass.Options{Loss: pass.Loss{Kind: "none"}, Shapes: map[string]tensor.Shape{"x": {3, 6}}})
	if err != nil {
		t.Fatal(err)
	}
	if !built.Output.Type.Shape.Equal(tensor.Shape{3, 6, 7}) {
		t.Errorf("output of a batch of 3 is %v", built.Output.Type)
	}
}

func TestExports13EinsumAndPaddedAveragePool(t *testing.T) {
	step(t, "13-pieces")
}

func TestExports14LogitsGetALossAndTokensAreFed(t *testing.T) {
	for name, kind := range map[string]string{"04-tied-train": "ce", "01-batchnorm-opset13": "ce"} {
		m, err := onnxload.Open(filepath.Join("..", "testdata", "exports", name+".onnx"), onnxload.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := Wants(m, pass.Loss{})
		if err != nil {
			t.Fatal(err)
		}
		if w.Label.DType != tensor.Int64 {
			t.Errorf("%s: label %v for %s", name, w.Label, kind)
		}
	}
	e, p := step(t, "04-tied-train")
	if p.Built.LossKind != "ce" || p.Built.LossTerms != len(e.Label) {
		t.Errorf("loss %s over %d terms, want ce over %d", p.Built.LossKind, p.Built.LossTerms, len(e.Label))
	}
}

// TestExports15FixedBatch trains files that fix the batch to 1 or 2 with one of 4.
func TestExports15FixedBatch(t *testing.T) {
	for _, kind := range []string{"vit", "gpt", "lstm", "cnn"} {
		for _, form := range []string{"batch1-train", "batch1-eval", "batch2-train", "batch2-eval"} {
			name := "15-" + kind + "-" + form
			t.Run(name, func(t *testing.T) {
				e, p := step(t, name)
				if !slices.ContainsFunc(e.engine.Notices, func(s string) bool { return strings.Contains(s, "fixes the batch size") }) {
					t.Errorf("notices %q do not say that shapes were rewritten", e.engine.Notices)
				}
				if strings.HasSuffix(name, "train") && len(e.params()) != len(e.GradNorms) {
					t.Errorf("parameters %v, PyTorch has %d", e.params(), len(e.GradNorms))
				}
				// The examples of a batch do not see each other.
				for i, x := range e.batch().Tensors[0].Float64s()[:1] {
					one := e.batch()
					one.Tensors[0].SetFloat64s(append([]float64{1 - x}, e.X[i+1:]...))
					before := slices.Clone(p.Output().Data)
					if err := p.Run(context.Background(), one.Tensors, 1, 1); err != nil {
						t.Fatal(err)
					}
					own := len(before) / e.Shape[0]
					if !bytes.Equal(before[own:], p.Output().Data[own:]) || bytes.Equal(before[:own], p.Output().Data[:own]) {
						t.Error("a change of the first example changes others, or not its own output")
					}
				}
			})
		}
	}
}

// TestExportsGradientOrigin checks that every gradient node names the forward node it belongs to.
func TestExportsGradientOrigin(t *testing.T) {
	e := readExport(t, "08-attention")
	p := e.open(t, false, nil)
	for _, n := range p.Built.Graph.Nodes {
		if n.Op.Domain == op.Internal && strings.HasSuffix(n.Op.Type, "Grad") && n.Origin == nil {
			t.Errorf("%v has no origin", n.Op)
		}
	}
}

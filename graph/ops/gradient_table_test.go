package ops

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/autodiff"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

var rewrite = flag.Bool("update", false, "write testdata/gradients.tsv anew")

// TestGradientTable measures the gradient of every differentiable operator against finite differences, over random shapes
// and values around those of the samples, in float64, and holds the worst error to 1e-6 and to the recorded table, which
// docs/onnx-support.md shows. To record it anew:
//
//	go generate ./graph/ops
func TestGradientTable(t *testing.T) {
	t.Parallel()
	variants := 1
	if *rewrite || os.Getenv("ONNXTRAIN_LONG") != "" {
		variants = 3
	}
	var lines []string
	file := filepath.Join("testdata", "gradients.tsv")
	recorded, err := readGradients(file)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	for _, def := range op.All() {
		if def.Grad == nil || def.Samples == nil {
			continue
		}
		var m measurement
		for _, s := range def.Samples() {
			if s.NoGrad {
				continue
			}
			for k := range variants {
				if err := m.measure(def, s, k); err != nil {
					t.Errorf("%v/%s: %v", def.ID(), s.Name, err)
				}
			}
		}
		name := def.ID().String()
		if straightThrough[def.Type] {
			lines = append(lines, name+"\tstraight-through\n")
			continue
		}
		if m.elements == 0 {
			t.Errorf("%s: no element of a gradient was compared", name)
		}
		if m.worst > 1e-6 {
			t.Errorf("%s: relative error %.1e in %s", name, m.worst, m.where)
		}
		if was, ok := recorded[name]; !*rewrite && (!ok || m.worst > 10*was+1e-10) {
			t.Errorf("%s: relative error %.1e in %s, %.1e is recorded; when that is meant, run with -update", name, m.worst, m.where, was)
		}
		lines = append(lines, fmt.Sprintf("%s\t%.0e\n", name, m.worst))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if len(lines) != len(recorded) {
		t.Errorf("%d operators are differentiable, %d recorded; run with -update", len(lines), len(recorded))
	}
}

func readGradients(file string) (map[string]float64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if text == "straight-through" {
			all[name] = 0
			continue
		}
		if all[name], err = strconv.ParseFloat(text, 64); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// straightThrough lists the operators whose gradient is meant not to be their derivative, which is 0 almost everywhere.
var straightThrough = map[string]bool{"QuantizeLinear": true, "FakeQuantize": true}

// measurement is the worst error of an operator's gradient so far.
type measurement struct {
	elements int
	worst    float64
	where    string
}

// measure compares a variant of a sample: the gradient of a randomly weighted sum of all floating-point outputs.
func (m *measurement) measure(def op.Def, s op.Sample, variant int) error {
	h := fnv.New64a()
	fmt.Fprint(h, def.ID(), s.Name, variant) // never fails
	r := &dice{h.Sum64()}
	g, n, err := variantOf(def, s, r)
	if err != nil {
		return err
	}
	loss, err := weighted(g, n)
	if loss == nil || err != nil {
		return err
	}
	forward := len(g.Nodes)
	params := g.Params()
	grads, err := autodiff.Gradient(g, loss, nil, params)
	if err != nil {
		return err
	}
	values, err := op.Evaluate(g, nil)
	if err != nil {
		return err
	}
	g.Nodes = g.Nodes[:forward]
	for k, v := range params {
		if grads[k] != nil {
			if err := m.compare(g, loss, v, values[grads[k].ID].Float64s(), r, s.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare checks up to 6 elements of the gradient of v. An element whose differences at two distances disagree lies by a
// kink and is left out.
func (m *measurement) compare(g *graph.Graph, loss, v *graph.Value, grad []float64, r *dice, name string) error {
	scale := 0.0
	for _, x := range grad {
		scale = max(scale, math.Abs(x))
	}
	x := tensor.Slice[float64](v.Init)
	var failed error
	at := func(i int, value float64) float64 {
		moved := v.Init.Clone()
		tensor.Slice[float64](moved)[i] = value
		values, err := op.Evaluate(g, map[*graph.Value]*tensor.Tensor{v: moved})
		if err != nil {
			failed = err
			return math.NaN()
		}
		return values[loss.ID].Float64s()[0]
	}
	difference := func(i int, h float64) float64 {
		return (8*(at(i, x[i]+h)-at(i, x[i]-h)) - (at(i, x[i]+2*h) - at(i, x[i]-2*h))) / (12 * h)
	}
	scale = max(scale, 1e-3*math.Abs(at0(at, x)))
	for range min(6, len(x)) {
		i := r.intn(len(x))
		far, near := difference(i, 2e-3), difference(i, 1e-3)
		if failed != nil {
			return failed
		}
		if scale == 0 || !(math.Abs(far-near) <= 1e-5*scale) {
			continue
		}
		m.elements++
		e := min(math.Abs(grad[i]-far), math.Abs(grad[i]-near)) / scale
		if !(e <= m.worst) {
			m.worst, m.where = e, fmt.Sprintf("sample %q, %s%v, element %d", name, v.Name, v.Init.Shape, i)
		}
	}
	return nil
}

// at0 is the function of at where it is differentiated.
func at0(at func(int, float64) float64, x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return at(0, x[0])
}

// weighted appends the sum of all float64 outputs of n, each element with a weight of its own; nil when there are none.
func weighted(g *graph.Graph, n *graph.Node) (*graph.Value, error) {
	var total *graph.Value
	for i, v := range n.Out {
		if v.Type.DType != tensor.Float64 {
			continue
		}
		w := tensor.New(tensor.Float64, v.Type.Shape...)
		w.SetFloat64s(op.Uniform(uint64(100+i), 0.5, 1.5, v.Type.Shape...).Float64s())
		product, err := op.Build(g, nil, "", "Mul", nil, 1, v, g.NewConst("", w))
		if err != nil {
			return nil, err
		}
		part, err := op.Build(g, nil, op.Internal, "SumTo", graph.MakeAttrs("shape", []int{}), 1, product[0])
		if err == nil && total != nil {
			part, err = op.Build(g, nil, "", "Add", nil, 1, total, part[0])
		}
		if err != nil {
			return nil, err
		}
		total = part[0]
	}
	return total, nil
}

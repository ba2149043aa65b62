package arch

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend/cpu"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

var update = flag.Bool("update", false, "write docs/onnx-support.md anew")

// TestSupportPage holds docs/onnx-support.md to the table of operators. To write it anew:
//
//	go generate ./internal/arch
func TestSupportPage(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "onnx-support.md")
	got := supportPage(t)
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	lines := strings.Split(string(want), "\n")
	for _, line := range strings.Split(got, "\n") {
		if !slices.Contains(lines, line) {
			t.Errorf("docs/onnx-support.md lacks: %s", line)
		}
	}
	t.Error("docs/onnx-support.md is out of date; run: go generate ./internal/arch")
}

// status is what there is to say about an operator; versions that agree share a row.
type status struct {
	domain, typ             string
	gradient, kernel, types string
	since                   []int
	worst                   string // of the gradient's errors
}

func statuses(t *testing.T) []status {
	errors := gradientErrors(t)
	var all []status
	for _, def := range op.All() {
		s := status{domain: def.Domain, typ: def.Type, gradient: gradientOf(def), kernel: kernelsOf(def), types: elementTypes(def),
			since: []int{def.Since}, worst: errors[def.ID().String()]}
		if def.Grad != nil && s.worst == "" {
			t.Errorf("%v has no measured gradient; run: go generate ./graph/ops", def.ID())
		}
		last := len(all) - 1
		if last >= 0 && all[last].agrees(s) {
			all[last].since = append(all[last].since, def.Since)
			all[last].worst = worse(all[last].worst, s.worst)
			continue
		}
		all = append(all, s)
	}
	return all
}

func (s status) agrees(o status) bool {
	return s.domain == o.domain && s.typ == o.typ && s.gradient == o.gradient && s.kernel == o.kernel && s.types == o.types
}

// stops says why operators with floating-point inputs and results have no gradient.
var stops = map[string]string{
	"Sign": "constant between jumps", "Floor": "constant between jumps", "Ceil": "constant between jumps",
	"Round": "constant between jumps", "Hardmax": "constant between jumps",
	"Range": "made of constants", "OneHot": "made of constants", "Unique": "picks elements by value",
	"Bernoulli": "random", "Multinomial": "random", "BitCast": "reads bits",
	"Adagrad": "a step of an optimizer", "Adam": "a step of an optimizer", "Momentum": "a step of an optimizer",
}

func gradientOf(def op.Def) string {
	if def.Grad != nil {
		if len(def.NoGrad) == 0 {
			return "yes"
		}
		return "yes, not of input " + strings.Trim(strings.ReplaceAll(fmt.Sprint(def.NoGrad), " ", ", "), "[]")
	}
	if def.Domain == op.Internal && (!def.Random || strings.HasSuffix(def.Type, "Grad")) {
		return "stops: only first derivatives"
	}
	if why := stops[def.Type]; why != "" {
		return "stops: " + why
	}
	in, out := false, false
	for _, s := range def.Samples() {
		n, err := sampleNode(def, s, nil)
		if err != nil {
			continue
		}
		in = in || hasFloats(n.In)
		out = out || hasFloats(n.Out)
	}
	switch {
	case !out:
		return "stops: no floating-point result"
	case def.Random:
		return "stops: random"
	case !in:
		return "stops: no floating-point input"
	default:
		return "stops: quantized"
	}
}

func hasFloats(values []*graph.Value) bool {
	return slices.ContainsFunc(values, func(v *graph.Value) bool { return v != nil && v.Type.DType.IsFloat() })
}

// sampleNode builds and infers a call; inputs of the type of the first one are given the type that as returns, if given.
func sampleNode(def op.Def, s op.Sample, as func(tensor.DType) tensor.DType) (*graph.Node, error) {
	g := graph.New("sample")
	n := &graph.Node{Name: "node", Op: def.ID(), Attrs: s.Attrs}
	for i, in := range s.In {
		switch {
		case in == nil:
			n.In = append(n.In, nil)
		case slices.Contains(s.Const, i):
			n.In = append(n.In, g.NewConst("", in))
		default:
			dt := in.DType
			if as != nil {
				dt = as(dt)
			}
			n.In = append(n.In, g.NewValue("", graph.Input, graph.Type{DType: dt, Shape: in.Shape}))
		}
	}
	for range max(s.Outs, 1) {
		n.Out = append(n.Out, g.NewValue("", graph.Computed, graph.Type{}))
	}
	g.AddNode(n)
	return n, def.Infer(n)
}

// kernelsOf names the kernels that run the samples, and the reference where none does.
func kernelsOf(def op.Def) string {
	var names []string
	for _, s := range def.Samples() {
		n, err := sampleNode(def, s, nil)
		if err != nil {
			continue
		}
		name := "reference"
		if list := cpu.Candidates(n); len(list) > 0 {
			name = list[0].Name
		} else if def.View {
			name = "view"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "reference":
			return 1
		case b == "reference":
			return -1
		}
		return strings.Compare(a, b)
	})
	return strings.Join(names, ", ")
}

// sets names usual sets of element types.
var sets = []struct {
	name  string
	types []tensor.DType
}{
	{"all", slices.Concat(floats, signed, unsigned, []tensor.DType{tensor.Bool})},
	{"numbers", slices.Concat(floats, signed, unsigned)},
	{"floats, signed", slices.Concat(floats, signed)},
	{"integers", slices.Concat(signed, unsigned)},
	{"floats", floats},
}

var (
	floats   = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16Type}
	signed   = []tensor.DType{tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64}
	unsigned = []tensor.DType{tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64}
)

// elementTypes are the types that the operator takes for its first input that is no constant, and for those of the same
// type.
func elementTypes(def op.Def) string {
	var taken []tensor.DType
	for _, dt := range sets[0].types {
		if slices.ContainsFunc(def.Samples(), func(s op.Sample) bool { return takes(def, s, dt) }) {
			taken = append(taken, dt)
		}
	}
	for _, set := range sets {
		if slices.Equal(taken, set.types) {
			return set.name
		}
	}
	var names []string
	for _, dt := range taken {
		names = append(names, dt.String())
	}
	if len(names) == 0 {
		return "by attribute"
	}
	return strings.Join(names, " ")
}

func takes(def op.Def, s op.Sample, dt tensor.DType) bool {
	first := tensor.Invalid
	for i, in := range s.In {
		if in != nil && !slices.Contains(s.Const, i) {
			first = in.DType
			break
		}
	}
	if first == tensor.Invalid {
		return false
	}
	_, err := sampleNode(def, s, func(was tensor.DType) tensor.DType {
		if was == first {
			return dt
		}
		return was
	})
	return err == nil
}

// expanded lists the operators that give way to others when a graph is built.
func expanded() []string {
	var names []string
	for _, id := range pass.Expansions() {
		name := id[1]
		if id[0] != "" {
			name = id[0] + "::" + name
		}
		names = append(names, "`"+name+"`")
	}
	return names
}

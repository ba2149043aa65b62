package arch

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph/op"
)

const supportHead = `# ONNX support

Written by ` + "`go generate ./internal/arch`" + ` out of the table of operators; a test holds it to the code. Everything that is listed
runs, in training and in inference; ` + "`onnxtrain inspect FILE`" + ` says what a model needs of it.

* **versions**: opsets that introduced or last changed the operator. A model's opset takes the newest that is not newer; opsets
  from 7 on are supported.
* **gradient**: *yes*; or *stops*, and why: what is behind such an operator is trained through other paths, or not at all.
* **error**: the worst error of the gradient against finite differences in float64, over random shapes and values, relative to
  the gradient's largest element. At most 1e-6 is allowed.
* **kernel**: what runs calls in float32, or *reference*, the plain implementation in float64, which is slow: calls of other
  kinds than those of the kernels take it. *view*: nothing runs, the result has the memory of the input.
* **types** of the first input: *floats* are float32, float64, float16 and bfloat16, *signed* int8 to int64, *integers* int8 to int64
  and uint8 to uint64, *numbers* floats and integers, *all* numbers and bool.
`

func supportPage(t *testing.T) string {
	var s strings.Builder
	s.WriteString(supportHead)
	all := statuses(t)
	for _, d := range []struct{ domain, title string }{
		{"", "ai.onnx"}, {"com.microsoft", "com.microsoft"}, {"ai.onnx.preview.training", "ai.onnx.preview.training"},
		{op.Internal, "Internal: what passes and gradients make"},
	} {
		fmt.Fprintf(&s, "\n## %s\n\n| operator | versions | gradient | error | kernel | types |\n|---|---|---|---|---|---|\n", d.title)
		for _, o := range all {
			if o.domain == d.domain {
				fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s |\n", o.typ, strings.Trim(strings.ReplaceAll(fmt.Sprint(o.since), " ", ", "), "[]"),
					o.gradient, o.worst, o.kernel, o.types)
			}
		}
	}
	for _, o := range all {
		if o.domain != "" && !strings.Contains(s.String(), "\n## "+o.domain+"\n") && o.domain != op.Internal {
			t.Errorf("domain %q has no section", o.domain)
		}
	}
	fmt.Fprintf(&s, "\n## Expanded\n\nThese give way to other operators, whose gradients theirs are: control flow is unrolled, with trip counts, conditions "+
		"and positions that are known when the graph is built; the rest is spelled out. A pair of QuantizeLinear and DequantizeLinear becomes FakeQuantize, whose "+
		"gradient is passed straight through.\n\n%s\n", strings.Join(expanded(), " "))
	s.WriteString("\n## Refused\n\nA model that needs one of these is refused by name. The number is that of the ONNX backend test cases that do " +
		"(testdata/conformance/unsupported.txt lists them). Of the operators that have no case, those of ai.onnx.ml and those on " +
		"strings (RegexFullMatch, StringConcat, StringNormalizer, StringSplit) are refused too, and so are maps, sparse tensors, " +
		"and complex numbers as values.\n\n| what | cases |\n|---|---|\n")
	for _, r := range refusals(t) {
		fmt.Fprintf(&s, "| %s | %d |\n", r.what, r.cases)
	}
	return s.String()
}

type refusal struct {
	what  string
	cases int
}

// refusals reads the manifest of unsupported cases.
func refusals(t *testing.T) []refusal {
	var all []refusal
	eachLine(t, filepath.Join("..", "..", "testdata", "conformance", "unsupported.txt"), func(line string) {
		switch {
		case strings.HasPrefix(line, "\t"):
			all[len(all)-1].cases++
		case strings.HasSuffix(line, ":"):
			what := strings.TrimSuffix(line, ":")
			switch what {
			case "a sequence":
				what = "sequences as inputs and outputs of a model"
			case "values that are optional":
				what = "optional values as inputs and outputs of a model"
			}
			all = append(all, refusal{what: what})
		}
	})
	return all
}

// gradientErrors reads what graph/ops measured, by operator.
func gradientErrors(t *testing.T) map[string]string {
	all := map[string]string{}
	eachLine(t, filepath.Join("..", "..", "graph", "ops", "testdata", "gradients.tsv"), func(line string) {
		name, text, _ := strings.Cut(line, "\t")
		if x, err := strconv.ParseFloat(text, 64); err == nil && x == 0 {
			text = "0"
		}
		all[name] = text
	})
	return all
}

// worse is the larger of two errors; a word outranks numbers.
func worse(a, b string) string {
	x, err := strconv.ParseFloat(a, 64)
	if err != nil {
		return a
	}
	if y, err := strconv.ParseFloat(b, 64); err != nil || y > x {
		return b
	}
	return a
}

func eachLine(t *testing.T, file string, visit func(line string)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		visit(lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

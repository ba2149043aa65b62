package app

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/inspect"
)

// printReport prints a report as tables.
func printReport(out io.Writer, r *inspect.Report) error {
	w := &page{w: out}
	w.line("%s", r.File)
	w.line("%s", fileInfo(r))
	w.table(nil, valueRows(r)...)
	w.table([]any{"operator of the file", "nodes", "forward", "gradient", "runs as"}, operatorRows(r)...)
	w.table([]any{"operator of a step", "forward", "backward", "MFLOP", "kernel"}, stepRows(r)...)
	w.table([]any{"parameter", "shape", "elements", "role"}, parameterRows(r)...)
	w.table([]any{"state", "shape", "elements"}, stateRows(r)...)
	w.table([]any{"constant", "type"}, constantRows(r)...)
	for i, n := range r.Notices {
		if i == 0 {
			w.line("")
		}
		w.line("note: %s", n)
	}
	w.table(nil, summaryRows(r)...)
	if !r.Trainable {
		w.line("")
		w.line("cannot be trained: %s", r.Why)
	}
	return w.err
}

func fileInfo(r *inspect.Report) string {
	producer := strings.TrimSpace(r.Producer)
	if producer == "" {
		producer = "unknown producer"
	}
	text := fmt.Sprintf("%s, IR %d", producer, r.IRVersion)
	for _, domain := range slices.Sorted(maps.Keys(r.Opset)) {
		name := domain
		if name == "" {
			name = "opset"
		}
		text += fmt.Sprintf(", %s %d", name, r.Opset[domain])
	}
	return text
}

func valueRows(r *inspect.Report) (rows [][]any) {
	for _, v := range r.Inputs {
		rows = append(rows, []any{"input", v.Name, v.DType + v.Shape})
	}
	for _, v := range r.Outputs {
		rows = append(rows, []any{"output", v.Name, v.DType + v.Shape})
	}
	return rows
}

func operatorRows(r *inspect.Report) (rows [][]any) {
	for _, o := range r.Operators {
		rows = append(rows, []any{fmt.Sprintf("%s-%d", o.Type, o.Since), o.Count, o.Forward, o.Gradient, runs(o)})
	}
	return rows
}

// runs lists what became of an operator's nodes, with numbers where they differ.
func runs(o inspect.Operator) string {
	if len(o.Runs) == 1 {
		return o.Runs[0].Kernel
	}
	var parts []string
	for _, r := range o.Runs {
		parts = append(parts, fmt.Sprintf("%s %d", r.Kernel, r.Nodes))
	}
	return strings.Join(parts, ", ")
}

func stepRows(r *inspect.Report) (rows [][]any) {
	for _, s := range r.Step {
		row := []any{s.Type, s.Forward, s.Backward, 0, s.Kernel}
		if s.FLOPs > 0 {
			row[3] = fmt.Sprintf("%.2f", s.FLOPs/1e6)
		}
		rows = append(rows, row)
	}
	return rows
}

func parameterRows(r *inspect.Report) (rows [][]any) {
	for _, p := range r.Parameters {
		rows = append(rows, []any{p.Name, tensor.Shape(p.Shape), tensor.Shape(p.Shape).Elems(), p.Role})
	}
	return rows
}

func stateRows(r *inspect.Report) (rows [][]any) {
	for _, p := range r.State {
		rows = append(rows, []any{p.Name, tensor.Shape(p.Shape), tensor.Shape(p.Shape).Elems()})
	}
	return rows
}

func constantRows(r *inspect.Report) (rows [][]any) {
	for _, c := range r.Constants {
		rows = append(rows, []any{c.Name, c.DType + tensor.Shape(c.Shape).String()})
	}
	return rows
}

// summaryRows are empty where no step could be built.
func summaryRows(r *inspect.Report) [][]any {
	if len(r.Step) == 0 {
		return nil
	}
	m := r.Memory
	return [][]any{
		{"parameters", fmt.Sprintf("%d in %d tensors", r.Elements, len(r.Parameters))},
		{"loss", r.Loss},
		{"step", fmt.Sprintf("batch of %d: %s forward, %s in all", r.Batch, flopCount(r.FLOPs.Forward), flopCount(r.FLOPs.Step))},
		{"memory", byteSize(r.PlanBytes) + " without the optimizer's state"},
		{"  weights", byteSize(m.Weights)},
		{"  activations", fmt.Sprintf("%s, of which gradients %s; %s if values did not share memory",
			byteSize(m.Activations), byteSize(m.Gradients), byteSize(m.WithoutReuse))},
		{"  scratch", byteSize(m.Scratch)},
	}
}

func flopCount(n float64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.2f TFLOP", n/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.2f GFLOP", n/1e9)
	default:
		return fmt.Sprintf("%.2f MFLOP", n/1e6)
	}
}

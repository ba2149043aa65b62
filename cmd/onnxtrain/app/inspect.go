package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/inspect"
)

type inspectCmd struct {
	File   string `arg:"" help:"The ONNX file."`
	Batch  int    `default:"32" help:"Batch size that the plan is made for."`
	Length int    `default:"64" help:"Taken for open dimensions other than the batch, such as a sequence length."`
	After  string `placeholder:"PASS" help:"Print the graph as it is after a pass: bind, resolve, classify, infer, recognise, form, loss, reach, gradient, clean."`
	JSON   bool   `help:"Print one JSON object."`
}

func (c *inspectCmd) Run(e *env) error {
	o := inspect.Options{Batch: c.Batch, Length: c.Length, After: c.After}
	if c.Batch < 1 || c.Length < 1 {
		return usage("--batch and --length must be at least 1")
	}
	o.Dump = func(g *graph.Graph) { g.Fprint(e.stdout) }
	r, err := inspect.Model(c.File, o)
	if errors.Is(err, pass.ErrStopped) {
		return nil
	}
	if err != nil {
		return &train.Failure{Kind: train.BadModel, Err: err}
	}
	if c.After != "" {
		return &train.Failure{Kind: train.BadModel, Err: errors.New(r.Why)}
	}
	if c.JSON {
		j := json.NewEncoder(e.stdout)
		j.SetIndent("", "  ")
		return j.Encode(r)
	}
	return c.table(e, r)
}

func (c *inspectCmd) table(e *env, r *inspect.Report) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\nproducer %s, IR %d, opset %v\n\n", r.File, r.Producer, r.IRVersion, r.Opset[""])
	for _, v := range r.Inputs {
		fmt.Fprintf(w, "input\t%s\t%s%s\n", v.Name, v.DType, v.Shape)
	}
	for _, v := range r.Outputs {
		fmt.Fprintf(w, "output\t%s\t%s%s\n", v.Name, v.DType, v.Shape)
	}
	fmt.Fprintf(w, "\noperator\tnodes\tforward\tgradient\tkernel\n")
	for _, o := range r.Operators {
		fmt.Fprintf(w, "%s-%d\t%d\t%s\t%s\t%s\n", o.Type, o.Since, o.Count, o.Forward, o.Gradient, o.Kernel)
	}
	if len(r.Parameters) > 0 {
		fmt.Fprintf(w, "\nparameter\tshape\trole\n")
	}
	for _, p := range r.Parameters {
		fmt.Fprintf(w, "%s\t%v\t%s\n", p.Name, p.Shape, p.Role)
	}
	for _, p := range r.State {
		fmt.Fprintf(w, "%s\t%v\tstate\n", p.Name, p.Shape)
	}
	fmt.Fprintln(w)
	for _, n := range r.Notices {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if !r.Trainable {
		fmt.Fprintf(w, "cannot be trained: %s\n", r.Why)
		w.Flush()
		return &exitCode{int(train.BadModel)}
	}
	fmt.Fprintf(w, "trainable: %d parameters in %d tensors, loss %s, %s for a step of batch %d without the optimizer's state\n",
		r.Elements, len(r.Parameters), r.Loss, byteSize(r.PlanBytes), r.Batch)
	return w.Flush()
}

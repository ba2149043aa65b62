package app

import (
	"encoding/json"
	"errors"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/inspect"
)

type inspectCmd struct {
	File   string `arg:"" help:"The ONNX file."`
	Batch  int    `default:"32" help:"Batch size that the plan is made for."`
	Length int    `default:"64" help:"Taken for open dimensions other than the batch, such as a sequence length."`
	Loss   string `default:"auto" help:"As in train, and so are the options up to --allow-hardlinks."`
	Output string `placeholder:"NAME"`

	BN          string   `name:"bn" default:"auto" enum:"auto,train,frozen"`
	UnfoldBN    bool     `name:"unfold-bn"`
	ReplaceHead string   `placeholder:"classes=N"`
	Freeze      []string `placeholder:"GLOB"`
	Train       []string `placeholder:"GLOB"`
	Tie         bool
	AllowUnused bool

	ExternalRoot   []string `placeholder:"DIR"`
	AllowHardlinks bool

	After string `placeholder:"PASS" help:"Print the graph as it is after a pass: bind, resolve, weights, unfold, classify, precision, batch, infer, recognise, form, random, loss, reach, gradient, clean."`
	JSON  bool   `help:"Print one JSON object; docs/inspect.md lists its keys."`
	Dot   bool   `help:"Print the graph with its loss, or as it is --after a pass, in Graphviz's language."`
}

func (c *inspectCmd) config() train.Config {
	return train.Config{Loss: c.Loss, Output: c.Output, BN: c.BN, UnfoldBN: c.UnfoldBN, ReplaceHead: c.ReplaceHead,
		Freeze: c.Freeze, Train: c.Train, Tie: c.Tie, AllowUnused: c.AllowUnused,
		ExternalRoot: c.ExternalRoot, AllowHardlinks: c.AllowHardlinks}
}

func (c *inspectCmd) Run(e *env) error {
	if c.Batch < 1 || c.Length < 1 {
		return usage("--batch and --length must be at least 1")
	}
	if c.JSON && (c.Dot || c.After != "") {
		return usage("--json does not go with --dot and --after")
	}
	var printed error
	o := inspect.Options{Batch: c.Batch, Length: c.Length, Config: c.config(), After: c.After, Dump: func(g *graph.Graph) { g.Fprint(e.stdout) }}
	if c.Dot {
		o.Dump = func(g *graph.Graph) { printed = inspect.Dot(e.stdout, g) }
		if o.After == "" {
			o.After = "loss"
		}
	}
	r, err := inspect.Model(c.File, o)
	if errors.Is(err, pass.ErrStopped) {
		return printed
	}
	if err == nil && o.After != "" {
		err = errors.New(r.Why)
	}
	var failure *train.Failure
	if errors.As(err, &failure) {
		return err
	}
	if err != nil {
		return &train.Failure{Kind: train.BadModel, Err: err}
	}
	if c.JSON {
		j := json.NewEncoder(e.stdout)
		j.SetIndent("", "  ")
		return j.Encode(r)
	}
	if err := printReport(e.stdout, r); err != nil {
		return err
	}
	if !r.Trainable {
		return &exitCode{int(train.BadModel)}
	}
	return nil
}

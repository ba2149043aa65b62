package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/onnxtrain/onnxtrain/optimizers/golden"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/train"
)

type optimizersCmd struct {
	List     optimizersList     `cmd:"" help:"List the optimizers: built-in ones and files in the plugins folders."`
	Describe optimizersDescribe `cmd:"" help:"Show an optimizer's formula and settings."`
	Check    optimizersCheck    `cmd:"" help:"Replay recorded trajectories."`
	Bench    optimizersBench    `cmd:"" help:"Time updates alone."`
}

type optimizersList struct {
	JSON bool `help:"Print JSON."`
}

func (c *optimizersList) Run(e *env) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	var entries []*registry.Entry
	for _, name := range slices.Concat(registry.Names(), registry.External()) {
		o, err := registry.Lookup(name)
		if err != nil {
			fmt.Fprintf(e.stderr, "%s: %v\n", name, err) // a broken plugin must not hide the others
			continue
		}
		entries = append(entries, o)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, o.Doc, cmp.Or(o.Origin, "built in"), o.Paper)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(entries)
	}
	return w.Flush()
}

type optimizersCheck struct {
	Golden []string `required:"" type:"path" placeholder:"FILE" help:"Files of recorded trajectories."`
	Name   string   `arg:"" optional:"" placeholder:"NAME|FILE.onnx" help:"Check this optimizer only; an ONNX file replays the recordings of the optimizer that it is called like."`
}

func (c *optimizersCheck) Run(e *env) error {
	failed := 0
	for _, file := range c.Golden {
		results, err := golden.Check(file, c.Name)
		if err != nil {
			return &train.Failure{Kind: train.BadData, Err: err}
		}
		for _, r := range results {
			switch {
			case r.Skipped != "":
				fmt.Fprintf(e.stderr, "skipped %s: %s\n", r.Case, r.Skipped)
				continue
			case r.OK:
				fmt.Fprintf(e.stdout, "ok   %-36s %.2e %.2e\n", r.Case, r.MaxRel, r.Tol)
			default:
				failed++
				fmt.Fprintf(e.stdout, "FAIL %-36s %.2e %.2e\n", r.Case, r.MaxRel, r.Tol)
			}
		}
	}
	if failed > 0 {
		return &exitCode{int(train.Unproven)}
	}
	return nil
}

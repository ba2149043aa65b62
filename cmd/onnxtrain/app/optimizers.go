package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
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
	fmt.Fprintln(w, "name\tversion\twhat\torigin\tpaper")
	var entries []*registry.Entry
	for _, name := range slices.Concat(registry.Names(), registry.External()) {
		o, err := registry.Lookup(name)
		if err != nil {
			fmt.Fprintf(e.stderr, "%s: %v\n", name, err) // a broken plugin must not hide the others
			continue
		}
		entries = append(entries, o)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.Name, cmp.Or(versionOf(o), "-"), o.Doc, originOf(o), o.Paper)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(entries)
	}
	return w.Flush()
}

// ownModule is where the built-in optimizers are.
const ownModule = "github.com/onnxtrain/onnxtrain"

// originOf is where an optimizer comes from: this program, a Go package of somebody else that is compiled in, or a file.
func originOf(o *registry.Entry) string {
	if o.Origin != "" {
		return o.Origin
	}
	if builtIn(o) {
		return "built in"
	}
	return "package " + o.Package
}

func builtIn(o *registry.Entry) bool {
	return o.Package == ownModule || strings.HasPrefix(o.Package, ownModule+"/")
}

// versionOf is an optimizer's own version, or that of the module that it is compiled in from.
func versionOf(o *registry.Entry) string {
	if o.Origin != "" {
		return o.Version
	}
	if builtIn(o) {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if o.Package == m.Path || strings.HasPrefix(o.Package, m.Path+"/") {
			return m.Version
		}
	}
	return ""
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

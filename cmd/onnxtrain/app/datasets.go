package app

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/onnxtrain/onnxtrain/data"
)

type datasetsCmd struct {
	JSON bool `help:"Print JSON."`
}

// format is a data format as --json prints it.
type format struct {
	Scheme  string        `json:"scheme"`
	Doc     string        `json:"doc"`
	Example string        `json:"example"`
	Options []data.Option `json:"options"`
}

func (c *datasetsCmd) Run(e *env) error {
	var list []format
	for _, scheme := range data.Formats() {
		f, err := data.Describe(scheme)
		if err != nil {
			return err
		}
		list = append(list, format{scheme, f.Doc, f.Example, f.Options})
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for i, f := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s\t%s\n\t%s\n", f.Scheme, f.Doc, f.Example)
		for _, o := range f.Options {
			fmt.Fprintf(w, "\t  %s\t%s\n", o.Name, o.Doc)
		}
	}
	return w.Flush()
}

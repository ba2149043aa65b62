package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/conformance"
)

type conformanceCmd struct {
	Where []string `arg:"" name:"dir|tar" help:"Folders or archives of cases: model.onnx with test_data_set_*."`
	JSON  bool     `help:"Print one JSON object."`
}

// conformanceReport is what --json prints.
type conformanceReport struct {
	Passed      int                  `json:"passed"`
	Failed      int                  `json:"failed"`
	Unsupported int                  `json:"unsupported"`
	Cases       []conformance.Result `json:"cases"`
}

func (c *conformanceCmd) Run(e *env) error {
	var r conformanceReport
	for _, where := range c.Where {
		cases, err := conformance.Read(where)
		if err != nil {
			return &train.Failure{Kind: train.BadData, Err: err}
		}
		for _, one := range cases {
			result := one.Run(context.Background())
			switch result.Status {
			case "passed":
				r.Passed++
			case "failed":
				r.Failed++
			default:
				r.Unsupported++
			}
			r.Cases = append(r.Cases, result)
			if !c.JSON && result.Status != "passed" {
				fmt.Fprintf(e.stdout, "%-11s %s: %s\n", result.Status, result.Name, result.Why)
			}
		}
	}
	if c.JSON {
		if err := json.NewEncoder(e.stdout).Encode(r); err != nil {
			return err
		}
	} else {
		r.summarize(e.stdout)
	}
	if r.Failed > 0 {
		return &exitCode{int(train.Unproven)}
	}
	return nil
}

// summarize prints what unsupported cases need, most wanted first, and the counts.
func (r *conformanceReport) summarize(w io.Writer) {
	counts := map[string]int{}
	for _, c := range r.Cases {
		if c.Status == "unsupported" {
			counts[c.Reason()]++
		}
	}
	for _, reason := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	}) {
		fmt.Fprintf(w, "%4d need %s\n", counts[reason], reason)
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d unsupported\n", r.Passed, r.Failed, r.Unsupported)
}

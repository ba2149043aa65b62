package train

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/internal/names"
)

// ParseLoss reads --loss, with --output and --label-smoothing: a kind of loss for one output, or OUT=KIND[:WEIGHT] for each
// of several outputs, whose weighted losses are added. The weight is 1 if not given.
func ParseLoss(text, output string, smoothing float64) (pass.Loss, error) {
	if !strings.Contains(text, "=") {
		return pass.Loss{Kind: text, Output: output, Smoothing: smoothing}, knownLoss(text)
	}
	if output != "" {
		return pass.Loss{}, failf(Usage, "--loss %s names outputs, so --output %s has no meaning; leave it out", text, output)
	}
	var all []pass.Loss
	for _, part := range strings.Split(text, ",") {
		l, err := parseOneLoss(part)
		if err != nil {
			return l, err
		}
		l.Smoothing = smoothing
		if slices.ContainsFunc(all, func(o pass.Loss) bool { return o.Output == l.Output }) {
			return l, failf(Usage, "--loss: output %q is named twice", l.Output)
		}
		all = append(all, l)
	}
	all[0].And = all[1:]
	return all[0], nil
}

func parseOneLoss(part string) (l pass.Loss, err error) {
	i := strings.LastIndexByte(part, '=')
	if i < 1 {
		return l, failf(Usage, "--loss: %q is not OUTPUT=KIND or OUTPUT=KIND:WEIGHT", part)
	}
	var weight string
	l.Output, l.Kind = part[:i], part[i+1:]
	l.Kind, weight, _ = strings.Cut(l.Kind, ":")
	if weight != "" {
		if l.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(l.Weight > 0) {
			return l, failf(Usage, "--loss: the weight %q of output %q is not a number above 0", weight, l.Output)
		}
	}
	if l.Kind == "none" {
		return l, failf(Usage, "--loss: output %q needs no entry for no loss", l.Output)
	}
	return l, knownLoss(l.Kind)
}

func knownLoss(kind string) error {
	if kind == "" || slices.Contains(pass.Losses(), kind) {
		return nil
	}
	meant := ""
	if near := names.Nearest(kind, pass.Losses()); near != "" {
		meant = fmt.Sprintf("; did you mean %q?", near)
	}
	return failf(Usage, "--loss: unknown loss %q%s (there are: %s)", kind, meant, strings.Join(pass.Losses(), " "))
}

// labelName is what the i-th loss calls its label in the data.
func labelName(all []pass.Loss, i int) string {
	if len(all) == 1 {
		return "label"
	}
	return "label." + all[i].Output
}

// labelled gives the losses the types of their labels. Losses that the model computes itself take none of them.
func labelled(l pass.Loss, types []graph.Type) (pass.Loss, error) {
	all := l.All()
	next := 0
	for i := range all {
		switch {
		case all[i].Kind == pass.ModelLoss:
		case next < len(types):
			all[i].Label = types[next]
			next++
		case len(all) > 1:
			return l, failf(BadData, "the data have %d labels, too few for %d losses", len(types), len(all))
		}
	}
	all[0].And = all[1:]
	return all[0], nil
}

package schedule

import (
	"fmt"
	"strings"
)

// Named is the schedule of a hyper-parameter.
type Named struct {
	Hyper  string
	Factor Factor
}

// ParseSeveral reads schedules that semicolons separate, such as "cosine;weight_decay=linear,end=0.1": that of the
// learning rate, which lr= may name and the warm-up belongs to, and those of other hyper-parameters.
func ParseSeveral(text, warmup string) (lr Factor, others []Named, err error) {
	taken := map[string]bool{}
	for _, item := range strings.Split(text, ";") {
		hyper, item := split(item)
		if taken[hyper] {
			return nil, nil, fmt.Errorf("%s has two schedules", hyper)
		}
		taken[hyper] = true
		if hyper == "lr" {
			if lr, err = Parse(item, warmup); err != nil {
				return nil, nil, err
			}
			continue
		}
		f, err := Parse(item, "")
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", hyper, err)
		}
		others = append(others, Named{hyper, f})
	}
	if lr == nil {
		lr, err = Parse("constant", warmup)
	}
	return lr, others, err
}

// split takes the hyper-parameter off an item.
func split(item string) (hyper, schedule string) {
	item = strings.TrimSpace(item)
	name, rest, more := strings.Cut(item, ",")
	if hyper, name, ok := strings.Cut(name, "="); ok {
		if more {
			name += "," + rest
		}
		return strings.TrimSpace(hyper), name
	}
	return "lr", item
}

package compare

import (
	"fmt"
	"strings"
)

// Verdict says in sentences which optimizer to use.
func (r *Report) Verdict() []string {
	best := r.Rows[0]
	if !finite(best.Loss.Median) {
		return []string{"No optimizer came to the end of the steps with most of its seeds; tune other ranges (--tune) or more trials."}
	}
	value := func(x Row) string {
		if r.byAccuracy {
			return percent(x.Top1.Median)
		}
		return short(x.Loss.Median)
	}
	lines := []string{fmt.Sprintf("%s has the best median %s, %s over %s.", best.Optimizer, r.RankedBy, value(best), count(len(best.Finals), "seed"))}
	var near []string
	for _, x := range r.Rows[1:] {
		if r.byAccuracy && x.Top1.Hi >= best.Top1.Lo || !r.byAccuracy && x.Loss.Lo <= best.Loss.Hi {
			near = append(near, fmt.Sprintf("%s (%s)", x.Optimizer, value(x)))
		}
	}
	if len(near) > 0 {
		lines = append(lines, fmt.Sprintf("Its range over the seeds overlaps that of %s: more seeds may turn the order around.", strings.Join(near, ", ")))
	}
	quick, soon := -1, -1
	for i, x := range r.Rows {
		if x.Reached == len(x.Finals) && x.Reached > 0 {
			if quick < 0 || x.SecondsToTarget < r.Rows[quick].SecondsToTarget {
				quick = i
			}
			if soon < 0 || x.StepsToTarget < r.Rows[soon].StepsToTarget {
				soon = i
			}
		}
	}
	if quick >= 0 {
		lines = append(lines, fmt.Sprintf("%s comes to the target (%s) in the fewest steps, %.0f, and %s in the least time, %.3g s.",
			r.Rows[soon].Optimizer, r.target.words(), float64(r.Rows[soon].StepsToTarget), r.Rows[quick].Optimizer, float64(r.Rows[quick].SecondsToTarget)))
	}
	for _, x := range r.Rows {
		if x.Failed > 0 {
			lines = append(lines, fmt.Sprintf("%s diverged with %s.", x.Optimizer, count(x.Failed, "seed")))
		}
	}
	return lines
}

// Conditions say what was equal for all.
func (r *Report) Conditions() []string {
	data, scored := r.Data, r.Val
	if data == "" {
		data, scored = "built-in synthetic data", "its validation part"
	}
	if r.Test != "" {
		scored = fmt.Sprintf("%s, %d examples; the search on %s", r.Test, r.Scored, r.Val)
	}
	schedule, weights, target := r.Schedule, "of the file", r.target.words()
	if r.Warmup != "" {
		schedule += " after a warm-up of " + r.Warmup
	}
	if r.Init == "fresh" {
		weights = "drawn anew for each seed"
	}
	if r.TargetFrom != "" {
		target += ", " + r.TargetFrom
	}
	lines := []string{
		fmt.Sprintf("Model %s, data %s, %d examples. Scored on %s.", r.Model, data, r.Examples, scored),
		fmt.Sprintf("All had the same initial weights (%s), the same order of data, %d steps of batch %d, and the schedule %s.",
			weights, r.Steps, r.Batch, schedule),
	}
	lines = append(lines, r.searchConditions()...)
	return append(lines, fmt.Sprintf("Target: %s. Seconds are those of forward, backward and update, on %s with %s; reading data and scoring are not in them.",
		target, count(r.Threads, "thread"), r.ISA))
}

func (r *Report) searchConditions() []string {
	runs := fmt.Sprintf("then run over %s that the search did not use, %d to %d.", count(r.Seeds, "seed"), r.Seed+1, r.Seed+uint64(r.Seeds))
	if r.Trials == 1 {
		return []string{"Settings were not searched; they were run over " + count(r.Seeds, "seed") + "."}
	}
	search := fmt.Sprintf("Each had %d trials of random search with seed %d, the first one with the optimizer's own settings.", r.Trials, r.Seed)
	if r.Protocol == "paper" {
		search = fmt.Sprintf("Each had %d trials of random search with seed %d, the second half drawn around the best of the first.", r.Trials, r.Seed)
	}
	if r.Stop == "median" {
		search += " One was stopped at a quarter, a half or three quarters of its steps when its loss was above the median of the trials in earlier groups."
	}
	if r.Test != "" && strings.HasPrefix(r.Val, "split=") {
		runs = strings.TrimSuffix(runs, ".") + ", and trained on what was held out for the search as well."
	}
	return []string{search, fmt.Sprintf("The best setting of each by %s was %s", r.RankedBy, runs)}
}

package compare

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
)

// csv is a line for every optimizer.
func (r *Report) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	head := []string{"optimizer", "best", "seeds", "failed_seeds", "searched", "stopped", "diverged"}
	for _, name := range []string{"loss", "top1", "train_loss"} {
		head = append(head, name+"_median", name+"_lo", name+"_hi", name+"_best", name+"_sd")
	}
	c.Write(append(head, "target", "reached_target", "steps_to_target", "seconds_to_target", "update_ms", "step_ms", "state_bytes", "seconds", "search_seconds"))
	for _, x := range r.Rows {
		row := []string{x.Optimizer, x.Best, strconv.Itoa(len(x.Finals)), strconv.Itoa(x.Failed), strconv.Itoa(x.Searched), strconv.Itoa(x.Stopped), strconv.Itoa(x.Diverged)}
		for i, s := range []Spread{x.Loss, x.Top1, x.TrainLoss} {
			for _, v := range []Float{s.Median, s.Lo, s.Hi, s.Best, s.SD} {
				if i == 1 && !r.classified {
					v = Float(math.NaN())
				}
				row = append(row, exact(v))
			}
		}
		row = append(row, r.Target, strconv.Itoa(x.Reached), exact(x.StepsToTarget), exact(x.SecondsToTarget))
		for _, v := range []float64{x.UpdateMS, x.StepMS, float64(x.StateBytes), x.Seconds, x.SearchSeconds} {
			row = append(row, exact(v))
		}
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}

// trials is a line for every trial.
func (r *Report) trials(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"optimizer", "stage", "index", "seed", "opt", "status", "steps", "loss", "top1", "train_loss", "seconds", "step_ms", "update_ms", "why"})
	for _, x := range r.Rows {
		for _, list := range [][]*Trial{x.Search, x.Finals} {
			for _, t := range list {
				p := t.last()
				if t.Status != Done || !t.Classified {
					p.Top1 = Float(math.NaN())
				}
				c.Write([]string{t.Optimizer, t.Stage, strconv.Itoa(t.Index), strconv.FormatUint(t.Seed, 10), t.Opt, string(t.Status), strconv.Itoa(t.Steps),
					exact(p.Loss), exact(p.Top1), exact(t.trainLoss()), exact(t.Seconds), exact(t.StepMS), exact(t.UpdateMS), t.Why})
			}
		}
	}
	c.Flush()
	return c.Error()
}

package compare

import (
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// Report is what a study found out.
type Report struct {
	Model      string `json:"model"`
	Data       string `json:"data"`
	Val        string `json:"val"`  // what the search is scored on
	Test       string `json:"test"` // what the runs over the seeds are scored on, if anything else
	Examples   int    `json:"examples"`
	Scored     int    `json:"scored_examples"`
	Batch      int    `json:"batch"`
	Steps      int    `json:"steps"`
	Schedule   string `json:"schedule"`
	Warmup     string `json:"warmup,omitempty"`
	Init       string `json:"init"`
	Protocol   string `json:"protocol"`
	Stop       string `json:"stop"`
	Trials     int    `json:"trials"`
	Seeds      int    `json:"seeds"`
	Seed       uint64 `json:"seed"`
	RankedBy   string `json:"ranked_by"` // accuracy or loss
	Target     string `json:"target"`
	TargetFrom string `json:"target_from,omitempty"`
	ISA        string `json:"isa"`
	Threads    int    `json:"threads"`

	Rows []Row `json:"optimizers"` // the best first

	byAccuracy bool
	classified bool
	target     target
}

// Row is an optimizer's result. Spreads are over the seeds; a seed that diverged counts as the worst.
type Row struct {
	Optimizer string      `json:"optimizer"`
	Best      string      `json:"best"` // setting, as --opt takes it; "" when all of the search failed
	Space     []Dimension `json:"space"`

	Searched int `json:"searched"` // trials
	Stopped  int `json:"stopped"`  // of them
	Diverged int `json:"diverged"` // of them
	Failed   int `json:"failed"`   // seeds that diverged

	Loss      Spread `json:"loss"`
	Top1      Spread `json:"top1"`
	TrainLoss Spread `json:"train_loss"` // mean over the last steps

	Reached         int   `json:"reached_target"` // seeds
	StepsToTarget   Float `json:"steps_to_target"`
	SecondsToTarget Float `json:"seconds_to_target"`

	StepMS        float64 `json:"step_ms"`
	UpdateMS      float64 `json:"update_ms"`
	StateBytes    int64   `json:"state_bytes"`
	Seconds       float64 `json:"seconds"` // of a run
	SearchSeconds float64 `json:"search_seconds"`

	Train  []Band   `json:"train_curve"`
	Val    []Band   `json:"val_curve"`
	Search []*Trial `json:"search"`
	Finals []*Trial `json:"finals"`

	index int // in the order of the study: its colour
}

// Spread sums up a number over seeds.
type Spread struct {
	Best   Float `json:"best"`
	Median Float `json:"median"`
	Lo     Float `json:"lo"`
	Hi     Float `json:"hi"`
	SD     Float `json:"sd"` // of the sample; null for one seed
}

// Band is where the seeds' curves are after a step: the median and the range of them.
type Band struct {
	Step    int     `json:"step"`
	Seconds float64 `json:"seconds"` // median
	Loss    Spread  `json:"loss"`
	Top1    Spread  `json:"top1"`
}

func (s *session) report(finals map[*contender][]*Trial) (*Report, error) {
	c := &s.Train
	threads := c.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &Report{Model: filepath.Base(c.Model), Data: c.Data, Val: c.Val, Test: s.Test, Examples: s.plan.Examples, Scored: s.plan.Scored,
		Batch: c.Batch, Steps: s.plan.Steps, Schedule: string(c.Schedule), Warmup: c.Warmup, Init: c.Init, Protocol: s.Protocol, Stop: s.Stop,
		Trials: s.Trials, Seeds: s.Seeds, Seed: c.Seed, RankedBy: "loss", ISA: cpu.Current().String(), Threads: threads, byAccuracy: s.byAccuracy}
	if s.byAccuracy {
		r.RankedBy = "accuracy"
	}
	for _, c := range s.contenders {
		r.Rows = append(r.Rows, newRow(c, s.searches[c], finals[c]))
		r.classified = r.classified || slices.ContainsFunc(finals[c], func(t *Trial) bool { return t.Classified })
	}
	var err error
	if r.target, err = parseTarget(s.Target); err != nil {
		return nil, err
	}
	first := r.Rows[0]
	slices.SortStableFunc(r.Rows, func(a, b Row) int {
		x, y := a.median(), b.median()
		switch {
		case x.better(y, s.byAccuracy):
			return -1
		case y.better(x, s.byAccuracy):
			return 1
		}
		return 0
	})
	if r.target == (target{}) {
		if !finite(first.Loss.Median) {
			first = r.Rows[0]
		}
		r.TargetFrom = fmt.Sprintf("the median final %s of %s", r.RankedBy, first.Optimizer)
		r.target = target{s.byAccuracy, float64(first.Loss.Median)}
		if s.byAccuracy {
			r.target.value = float64(first.Top1.Median)
		}
	}
	r.Target = r.target.String()
	for i := range r.Rows {
		r.Rows[i].reach(r.target)
	}
	return r, nil
}

func newRow(c *contender, search, finals []*Trial) Row {
	row := Row{Optimizer: c.label, Space: c.space, Finals: finals, index: c.index}
	for _, t := range search {
		if t.Stage == "" { // nothing to search
			continue
		}
		row.Search = append(row.Search, t)
		row.Searched++
		row.SearchSeconds += t.Seconds
		switch t.Status {
		case Stopped:
			row.Stopped++
		case Diverged:
			row.Diverged++
		}
	}
	var loss, top1, trained, step, update, seconds []float64
	for _, t := range finals {
		row.Best, row.StateBytes = t.Opt, t.StateBytes
		if t.Status == Diverged {
			row.Failed++
		}
		p := t.last()
		loss, top1 = append(loss, float64(p.Loss)), append(top1, float64(p.Top1))
		trained = append(trained, t.trainLoss())
		step, update, seconds = append(step, t.StepMS), append(update, t.UpdateMS), append(seconds, t.Seconds)
	}
	row.Loss, row.TrainLoss, row.Top1 = spread(loss, false), spread(trained, false), spread(top1, true)
	row.StepMS, row.UpdateMS, row.Seconds = median(step), median(update), median(seconds)
	row.Train, row.Val = bands(finals, func(t *Trial) []Point { return t.Curve }), bands(finals, func(t *Trial) []Point { return t.Scores })
	return row
}

func (r Row) median() Point { return Point{Loss: r.Loss.Median, Top1: r.Top1.Median} }

// reach fills in how soon the runs came to the target; those that did not count as infinitely late.
func (r *Row) reach(to target) {
	var steps, seconds []float64
	for _, t := range r.Finals {
		p, ok := to.reached(t)
		if !ok {
			steps, seconds = append(steps, math.Inf(1)), append(seconds, math.Inf(1))
			continue
		}
		r.Reached++
		steps, seconds = append(steps, float64(p.Step)), append(seconds, p.Seconds)
	}
	r.StepsToTarget, r.SecondsToTarget = Float(math.NaN()), Float(math.NaN())
	if r.Reached > 0 {
		r.StepsToTarget, r.SecondsToTarget = Float(median(steps)), Float(median(seconds))
	}
}

// trainLoss is the mean training loss over the last tenth of a trial.
func (t *Trial) trainLoss() float64 {
	if t.Status == Diverged || len(t.Curve) == 0 {
		return math.Inf(1)
	}
	tail := t.Curve[len(t.Curve)-max(len(t.Curve)/10, 1):]
	sum := 0.0
	for _, p := range tail {
		sum += float64(p.Loss)
	}
	return sum / float64(len(tail))
}

func spread(x []float64, high bool) Spread {
	if len(x) == 0 {
		nan := Float(math.NaN())
		return Spread{nan, nan, nan, nan, nan}
	}
	x = slices.Clone(x)
	for i, v := range x {
		if math.IsNaN(v) {
			x[i] = math.Inf(1)
		}
	}
	s := Spread{Median: Float(median(x)), Lo: Float(slices.Min(x)), Hi: Float(slices.Max(x)), SD: Float(math.NaN())}
	if s.Best = s.Lo; high {
		s.Best = s.Hi
	}
	if n := len(x); n > 1 {
		m, sum := mean(x), 0.0
		for _, v := range x {
			sum += (v - m) * (v - m)
		}
		s.SD = Float(math.Sqrt(sum / float64(n-1)))
	}
	return s
}

// bands puts the curves of some runs, which have the same steps, on top of each other.
func bands(runs []*Trial, curve func(*Trial) []Point) []Band {
	var list []Band
	for i := 0; ; i++ {
		var loss, top1, seconds []float64
		b := Band{}
		for _, t := range runs {
			if points := curve(t); i < len(points) {
				p := points[i]
				b.Step = p.Step
				loss, top1, seconds = append(loss, float64(p.Loss)), append(top1, float64(p.Top1)), append(seconds, p.Seconds)
			}
		}
		if len(loss) == 0 {
			return list
		}
		b.Loss, b.Top1, b.Seconds = spread(loss, false), spread(top1, true), median(seconds)
		list = append(list, b)
	}
}

func finite[T ~float64](x T) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }

package compare

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/train"
)

const (
	curvePoints = 150  // of a trial's training loss
	timedSteps  = 1000 // that medians of times are taken over, at most
)

// recorder follows a run and fills in its trial.
type recorder struct {
	trial  *Trial
	limits []float64 // losses above which the trial is stopped at its marks, nil: never
	stop   func()

	total   int
	marks   []int
	bucket  bucket
	window  []float64 // the last losses before a mark
	step    []float64 // milliseconds
	update  []float64
	stopped bool
}

// bucket sums up steps between two points of a curve.
type bucket struct {
	loss        float64
	steps       int
	hits, total int
}

func (r *recorder) Started(s train.Start) {
	r.total, r.marks = s.Steps, marks(s.Steps)
	r.trial.StateBytes = s.StateBytes
}

func (r *recorder) Stepped(p train.Progress) {
	t := r.trial
	t.Steps = p.Step
	t.Seconds += (p.Compute + p.Update).Seconds()
	if every := (r.total + timedSteps - 1) / timedSteps; p.Step%every == 0 {
		r.step = append(r.step, (p.Compute+p.Update).Seconds()*1e3)
		r.update = append(r.update, p.Update.Seconds()*1e3)
	}
	b := &r.bucket
	b.loss += p.Loss
	b.steps++
	b.hits += p.Score.Top1
	b.total += p.Score.Total
	if every := (r.total + curvePoints - 1) / curvePoints; p.Step%every == 0 || p.Step == r.total {
		t.Curve = append(t.Curve, Point{Step: p.Step, Seconds: t.Seconds, Loss: Float(b.loss / float64(b.steps)),
			Top1: Float(float64(b.hits) / float64(max(b.total, 1)))})
		*b = bucket{}
	}
	r.judge(p)
}

// judge stops the trial at a mark where it does worse than half of the earlier ones.
func (r *recorder) judge(p train.Progress) {
	next := len(r.trial.Marks)
	if next == len(r.marks) {
		return
	}
	if p.Step > r.marks[next]-markWindow(r.total) {
		r.window = append(r.window, p.Loss)
	}
	if p.Step != r.marks[next] {
		return
	}
	loss := mean(r.window)
	r.window = r.window[:0]
	r.trial.Marks = append(r.trial.Marks, Float(loss))
	if r.limits != nil && loss > r.limits[next] {
		r.stopped = true
		r.trial.Why = fmt.Sprintf("loss %.4g at step %d, above the median %.4g of earlier trials", loss, p.Step, r.limits[next])
		r.stop()
	}
}

func (r *recorder) Evaluated(p train.Progress, e train.Evaluation, _ bool) {
	t := r.trial
	t.Classified, t.Tokens = e.Classified, e.Perplexity > 0
	t.Scores = append(t.Scores, Point{Step: p.Step, Seconds: t.Seconds, Loss: Float(e.Loss), Top1: Float(e.Top1)})
}

func (r *recorder) Saved(string)             {}
func (r *recorder) Checkpointed(string, int) {}
func (r *recorder) Warned(string)            {} // of what the trial's record says too

// finish takes the medians.
func (r *recorder) finish() {
	r.trial.StepMS, r.trial.UpdateMS = median(r.step), median(r.update)
	if r.trial.Stage != Final { // the curves of a search are not shown
		r.trial.Curve = r.trial.Curve[max(len(r.trial.Curve)-1, 0):]
	}
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}

// median of a list that may be in any order; 0 of none.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

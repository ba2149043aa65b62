package app

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/onnxtrain/onnxtrain/train"
)

// progress prints a run for people: one line that changes on a terminal, plain lines elsewhere.
type progress struct {
	env   *env
	bar   bool
	quiet bool
	drawn bool
	last  time.Time
}

func newProgress(e *env, mode string, quiet bool) *progress {
	f, isFile := e.stderr.(*os.File)
	bar := mode == "bar" || mode == "auto" && isFile && isatty.IsTerminal(f.Fd())
	return &progress{env: e, bar: bar, quiet: quiet || mode == "none"}
}

func (p *progress) out() io.Writer { return p.env.stderr }

// clear removes the changing line before other text.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.out(), "\r\x1b[K")
		p.drawn = false
	}
}

func (p *progress) Started(s train.Start) {
	keepTo(s.Memory)
	log := p.env.log
	if s.Session.Synthetic {
		log.Info("no --data: training on built-in synthetic data fitted to the model's inputs")
	}
	for _, notice := range s.Session.Engine.Notices {
		log.Warn(notice)
	}
	params := 0
	for _, t := range s.Session.Engine.Values {
		params += t.Elems()
	}
	out := p.out()
	fmt.Fprintf(out, "model      %s: %d parameters in %d tensors, loss %s\n", s.Session.Config.Model, params, len(s.Session.Engine.Values), s.Session.Engine.Loss)
	fmt.Fprintf(out, "optimizer  %s\n", s.Optimizer)
	c := &s.Session.Config
	fmt.Fprintf(out, "data       %d examples, batch %d, %d steps (%d an epoch), schedule %s\n", s.Session.Train.Len(), c.Batch, s.Steps, s.PerEpoch, c.Schedule)
	m := s.Memory
	fmt.Fprintf(out, "memory     %s planned: activations and gradients %s, optimizer %s of state and %s of scratch, data %s, weights and program %s\n",
		byteSize(m.Total()), byteSize(m.Compute), byteSize(m.State), byteSize(m.Scratch), byteSize(m.Data), byteSize(m.Process))
	fmt.Fprintf(out, "run        %s\n", s.Dir)
	if s.From > 0 {
		fmt.Fprintf(out, "resumed    after step %d\n", s.From)
	}
}

// keepTo makes the collector run before garbage takes more than is planned. A smaller GOMEMLIMIT stays.
func keepTo(m train.Plan) {
	debug.SetMemoryLimit(min(m.Go, debug.SetMemoryLimit(-1)))
}

func byteSize(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}

func (p *progress) Stepped(s train.Progress) {
	if p.quiet {
		return
	}
	line := fmt.Sprintf("epoch %.2f  step %d/%d  loss %.4f", s.Epoch, s.Step, s.Steps, s.Loss)
	if s.Score.Total > 0 {
		top1, _ := s.Score.Rates()
		line += fmt.Sprintf("  top1 %5.1f", 100*top1)
	}
	line += fmt.Sprintf("  lr %.3g  |g| %.3g  %.0f/s", s.LR, s.GradNorm, s.PerSecond)
	if !p.bar {
		if s.Logged {
			fmt.Fprintln(p.out(), line)
		}
		return
	}
	now := time.Now()
	if now.Sub(p.last) < 100*time.Millisecond && s.Step != s.Steps {
		return
	}
	p.last = now
	const width = 24
	done := width * s.Step / max(s.Steps, 1)
	left := time.Duration(s.Seconds / float64(s.Step) * float64(s.Steps-s.Step) * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(p.out(), "\r\x1b[K%s%s %s  %v left", strings.Repeat("█", done), strings.Repeat("░", width-done), line, left)
	p.drawn = true
}

func (p *progress) Evaluated(s train.Progress, e train.Evaluation, best bool) {
	p.clear()
	mark := ""
	if best {
		mark = "  best so far, saved"
	}
	fmt.Fprintf(p.out(), "epoch %.2f  step %d  validation  %s%s\n", s.Epoch, s.Step, describeEvaluation(e), mark)
}

func (p *progress) Saved(path string) {
	p.clear()
	p.env.log.Debug("saved and verified", "file", path)
}

func (p *progress) Checkpointed(path string, step int) {
	p.clear()
	p.env.log.Debug("checkpoint", "step", step, "folder", path)
}

func (p *progress) Warned(text string) {
	p.clear()
	p.env.log.Warn(text)
}

func (p *progress) summary(s *train.Session, r *train.Result) {
	out := p.out()
	fmt.Fprintf(out, "done       %d steps in %s, loss %.4f\n", r.Steps, time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond), r.Loss)
	if r.Best != nil {
		fmt.Fprintf(out, "best       step %d: %s\n", r.BestStep, describeEvaluation(*r.Best))
	}
	written := r.BestPath
	if written == "" { // stopped before the first validation
		written = r.LastPath
	}
	fmt.Fprintf(out, "written    %s (reloaded and compared)\n", written)
	fmt.Fprintf(p.env.stdout, "%s\n", written)
}

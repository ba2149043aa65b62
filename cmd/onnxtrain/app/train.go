package app

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"github.com/onnxtrain/onnxtrain/train"
)

type trainCmd struct {
	train.Config
	Resume      resumeRun  `name:"resume" placeholder:"auto|RUN|CHECKPOINT" help:"Go on from a run's newest checkpoint, or the given one, with the run's settings; auto takes --out if it holds a run, or else the newest one in runs, or else begins one."`
	Changed     bool       `name:"changed-optimizer" help:"With --resume: go on although the optimizer's file has changed."`
	ConfigFile  configFile `name:"config" placeholder:"FILE" help:"Settings as YAML, as in a run's config.yaml; flags win over it."`
	PrintConfig bool       `help:"Print the resolved settings and stop."`
	DryRun      bool       `help:"Load everything, print the plan, and stop before the first step."`
	Progress    string     `default:"auto" enum:"auto,bar,plain,none" help:"Progress on stderr: auto, bar, plain, none."`
}

func (c *trainCmd) Run(e *env) error {
	c.Config.Resume, c.Config.ChangedOptimizer = string(c.Resume), c.Changed
	if c.PrintConfig {
		text, err := c.YAML()
		e.stdout.Write(text)
		return err
	}
	s, err := train.Open(c.Config, true)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, caught, stop := listen(e, s)
	defer stop()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1)) // which the progress sets to the plan
	p := newProgress(e, c.Progress, c.DryRun)
	result, err := train.Run(ctx, s, time.Now(), p, c.DryRun)
	p.clear()
	if err != nil || c.DryRun {
		return err
	}
	p.summary(s, result)
	if !result.Stopped && !result.TimeUp {
		return nil
	}
	e.log.Info("stopped early; go on with", "command", "onnxtrain train --resume "+result.Dir)
	if result.Stopped {
		return &exitCode{signalCode(<-caught)}
	}
	return nil
}

// resumeRun is the --resume flag: the settings of the run stand in for flags that are not given.
type resumeRun string

// BeforeResolve reads the run's configuration before kong fills flags that the command line leaves open.
func (r resumeRun) BeforeResolve(_ *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	var out string
	for _, given := range ctx.Path {
		switch {
		case given.Flag == nil:
		case given.Flag.Name == "out":
			out, _ = ctx.FlagValue(given.Flag).(string)
		case given.Flag.Name == "config":
			return nil // which says it all, and is compared with the run's
		}
	}
	c, found, err := train.ResumeConfig(string(ctx.FlagValue(trace.Flag).(resumeRun)), out)
	if err != nil || !found {
		return err
	}
	text, err := c.YAML()
	if err != nil {
		return err
	}
	return resolveFrom(ctx, text)
}

// listen ends the context at the first SIGINT or SIGTERM and the program at the second. SIGUSR1, where there is one, asks
// for a checkpoint.
func listen(e *env, s *train.Session) (ctx context.Context, caught <-chan os.Signal, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	first, save := make(chan os.Signal, 1), make(chan struct{}, 1)
	s.SaveNow = save
	signals, forget := notify()
	go func() {
		for got := range signals {
			switch {
			case isSaveSignal(got):
				select {
				case save <- struct{}{}:
				default: // one is asked for already
				}
			case ctx.Err() == nil:
				first <- got
				e.log.Warn("finishing the step and saving; a second signal stops at once", "signal", got)
				cancel()
			default:
				os.Exit(signalCode(got))
			}
		}
	}()
	return ctx, first, func() { forget(); cancel() }
}

package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/onnxtrain/onnxtrain/train"
)

type trainCmd struct {
	train.Config
	ConfigFile  configFile `name:"config" placeholder:"FILE" help:"Settings as YAML, as in a run's config.yaml; flags win over it."`
	PrintConfig bool       `help:"Print the resolved settings and stop."`
	DryRun      bool       `help:"Load everything, print the plan, and stop before the first step."`
	Progress    string     `default:"auto" enum:"auto,bar,plain,none" help:"Progress on stderr: auto, bar, plain, none."`
}

func (c *trainCmd) Run(e *env) error {
	if c.PrintConfig {
		text, err := c.YAML()
		fmt.Fprintf(e.stdout, "%s", text)
		return err
	}
	s, err := train.Open(c.Config, true)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	caught := make(chan os.Signal, 1)
	go func() {
		first, ok := <-signals
		if !ok {
			return
		}
		caught <- first
		e.log.Warn("finishing the step and saving; a second signal stops at once", "signal", first)
		stop()
		<-signals
		os.Exit(signalCode(first))
	}()
	p := newProgress(e, c.Progress, c.DryRun)
	result, err := train.Run(ctx, s, time.Now(), p, c.DryRun)
	p.clear()
	if err != nil || c.DryRun {
		return err
	}
	p.summary(s, result)
	if result.Stopped {
		e.log.Info("stopped; go on from the saved weights with", "command", resumeCommand(s.Config, result))
		return &exitCode{signalCode(<-caught)}
	}
	return nil
}

func signalCode(s os.Signal) int {
	if s == syscall.SIGTERM {
		return 143
	}
	return 130
}

// resumeCommand trains on from last.onnx for the steps that are left.
func resumeCommand(c train.Config, r *train.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "onnxtrain --config %s/config.yaml --model %s --out %s-continued", r.Dir, r.LastPath, strings.TrimSuffix(r.Dir, "/"))
	if c.ReplaceHead != "" { // the saved model has the new head
		b.WriteString(" --replace-head=")
	}
	if c.Steps > 0 {
		fmt.Fprintf(&b, " --steps %d", c.Steps-r.Steps)
	}
	return b.String()
}

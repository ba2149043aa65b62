// Package app is the command line of onnxtrain. A main that calls Main and imports optimizers of its own is an
// onnxtrain that has them.
package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/alecthomas/kong"
	"github.com/hashicorp/go-hclog"

	"github.com/onnxtrain/onnxtrain/internal/memory"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/host"
	"github.com/onnxtrain/onnxtrain/train"
)

// version is set by the release build.
var version = "dev"

type cli struct {
	Train       trainCmd       `cmd:"" default:"withargs" help:"Train a model (the default)."`
	Eval        evalCmd        `cmd:"" help:"Score a model or a run on a data set."`
	Inspect     inspectCmd     `cmd:"" help:"Show what a model holds and whether it can be trained."`
	Compare     compareCmd     `cmd:"" help:"Compare optimizers on a model: tuned alike, over several seeds, with a report."`
	Optimizers  optimizersCmd  `cmd:"" help:"List, describe and check optimizers."`
	Plugins     pluginsCmd     `cmd:"" help:"List, install, remove and test optimizers that are files: programs or ONNX files."`
	Datasets    datasetsCmd    `cmd:"" help:"List the data formats that --data reads, with their options."`
	Conformance conformanceCmd `cmd:"" help:"Run ONNX backend test cases."`
	Bench       benchCmd       `cmd:"" help:"Time training steps or kernels."`
	Export      exportCmd      `cmd:"" help:"Write a run's model to a file."`
	Replay      replayCmd      `cmd:"" help:"Run the failed step of a run's post-mortem folder again."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"Least level of messages on stderr."`
	LogFormat string `default:"text" enum:"text,json" help:"Form of messages on stderr."`
}

// env is what commands are given: streams and the one logger.
type env struct {
	stdout, stderr io.Writer
	log            hclog.Logger
}

// Main runs the program's command line and exits.
func Main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is Main with its surroundings as arguments; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if _, isFile := stderr.(*os.File); !isFile {
		stderr = &locked{w: stderr} // as a file is: logs of plugins come at any time
	}
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("onnxtrain"),
		kong.Description("Trains ONNX models with any registered optimizer: onnxtrain --model FILE --opt NAME"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(stderr, "onnxtrain:", err)
		return int(train.Internal)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 { // help was printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "onnxtrain: %v\nRun `onnxtrain --help` for what there is.\n", err)
		return int(train.Usage)
	}
	e := &env{stdout: stdout, stderr: stderr, log: hclog.New(&hclog.LoggerOptions{
		Name: "onnxtrain", Level: hclog.LevelFromString(c.LogLevel), Output: stderr, JSONFormat: c.LogFormat == "json",
		DisableTime: c.LogFormat == "text"})}
	host.SetLogger(e.log.Named("plugin"))
	defer closePlugins(e.log)
	err = guarded(e.log, func() error { return ctx.Run(e) })
	e.log.Debug("resident memory", "peak", memory.Now().Peak)
	var code *exitCode
	if errors.As(err, &code) {
		return code.code
	}
	if err != nil {
		fmt.Fprintln(stderr, "onnxtrain:", err)
		return int(kindOf(err))
	}
	return 0
}

// kindOf is the exit code of an error. A failed plugin is one wherever it fails.
func kindOf(err error) train.Kind {
	var plugin *registry.PluginError
	var f *train.Failure
	switch {
	case errors.As(err, &plugin):
		return train.Plugin
	case errors.As(err, &f):
		return f.Kind
	}
	return train.Internal
}

func closePlugins(log hclog.Logger) {
	registry.Unload()
	if err := host.Close(); err != nil {
		log.Debug("ending plugins", "error", err)
	}
}

// guarded turns a panic, which is a bug, into an error that says so; the stack goes to the debug log.
func guarded(log hclog.Logger, run func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		stack := debug.Stack()
		if p, ok := v.(*par.Panic); ok {
			stack = p.Stack
		}
		log.Debug("panic", "stack", string(stack))
		err = &train.Failure{Kind: train.Internal, Err: fmt.Errorf("internal error: %v; please report it with the command line "+
			"and, if you can, the model (--log-level debug shows where it happened)", v)}
	}()
	return run()
}

// locked is a writer for several goroutines.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// exitCode ends the program with a code after everything was said.
type exitCode struct{ code int }

func (e *exitCode) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func usage(format string, args ...any) error {
	return &train.Failure{Kind: train.Usage, Err: fmt.Errorf(format, args...)}
}

package app

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/optimizers/golden"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/conform"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
)

type pluginsTest struct {
	Plugin  string   `arg:"" placeholder:"NAME|PATH" help:"An optimizer by name, or the path of a file with a / in it."`
	Golden  []string `type:"path" placeholder:"FILE" help:"Replay these recorded trajectories too."`
	As      string   `placeholder:"NAME" help:"The built-in optimizer that it is the same as: its recordings are replayed and its updates timed. If not given, the one that the name begins with, such as adamw for adamw-mine; none: nothing is compared."`
	Size    int      `default:"10000000" help:"Elements of the parameter whose update is timed; 0 times nothing."`
	Updates int      `default:"20" help:"Updates to time."`
	Threads int      `help:"Compute threads; 0 takes all that the container allows."`
}

func (c *pluginsTest) Run(e *env) error {
	entry, err := registry.Lookup(c.Plugin)
	if err != nil {
		return usage("%w", err)
	}
	if c.As == "" {
		c.As = golden.Twin(entry)
	}
	if c.As == "none" {
		c.As = ""
	}
	if c.As != "" && !slices.Contains(registry.Names(), c.As) {
		return usage("--as %s: there is no built-in optimizer of that name", c.As)
	}
	t := tested{page: page{w: e.stdout}}
	for _, check := range conform.Checks {
		t.check(check.Name, check.Run(entry))
	}
	if err := c.replay(&t, entry); err != nil {
		return err
	}
	if c.Size > 0 {
		if err := c.time(&t); err != nil {
			return usage("%w", err)
		}
	}
	if t.failed > 0 {
		t.line("%d of %d checks failed", t.failed, t.done)
		return &exitCode{int(train.Plugin)}
	}
	t.line("all %d checks passed", t.done)
	return t.err
}

// tested counts checks and prints them.
type tested struct {
	page
	done, failed int
}

func (t *tested) check(name string, err error) {
	t.done++
	if err == nil {
		t.line("ok    %s", name)
		return
	}
	t.failed++
	t.line("FAIL  %s: %v", name, err)
}

// replay follows recordings of the built-in twin, and those of files.
func (c *pluginsTest) replay(t *tested, entry *registry.Entry) error {
	var results []golden.Result
	if c.As != "" {
		own, err := golden.CheckOwn(entry, c.As)
		if err != nil {
			t.check("recordings of "+c.As, err)
		}
		results = own
	}
	for _, file := range c.Golden {
		more, err := golden.CheckAs(tensor.Float32, file, entry, c.As)
		if err != nil {
			return &train.Failure{Kind: train.BadData, Err: err}
		}
		results = append(results, more...)
	}
	for _, r := range results {
		if r.Skipped != "" {
			t.line("skip  the recording %s: %s", r.Case, r.Skipped)
			continue
		}
		var err error
		if !r.OK {
			err = fmt.Errorf("strays by %.2e, allowed is %.2e", r.MaxRel, r.Tol)
		}
		t.check("follows the recording "+r.Case, err)
	}
	return nil
}

// time prints what updates cost, in turns with the built-in twin.
func (c *pluginsTest) time(t *tested) error {
	pool := par.New(c.Threads)
	defer pool.Close()
	params := []registry.ParamInfo{{Name: "p", Shape: tensor.Shape{c.Size}, DType: tensor.Float32, Role: registry.Weight}}
	names := []string{c.Plugin}
	if c.As != "" {
		names = append(names, c.As)
	}
	const rounds = 3
	best := map[string]*bench.Update{}
	for range rounds {
		for _, name := range names {
			u, err := bench.Updates(pool, name, params, c.Updates)
			if err != nil {
				return err
			}
			if best[name] == nil || u.MS < best[name].MS {
				best[name] = u
			}
		}
	}
	mine := best[c.Plugin]
	t.line("update of %d elements on %d threads, least median of %d rounds of %d: %.2f ms", c.Size, pool.Threads(), rounds, c.Updates, mine.MS)
	if mine.MSCopies > 0 {
		t.line("copies besides, of weights and state so that a step can be undone, and of gradients: %.2f ms", mine.MSCopies)
	}
	if twin := best[c.As]; twin != nil && c.As != "" {
		ratio := (mine.MS - 0.2) / math.Max(twin.MS, 1e-9)
		t.line("built-in %s: %.2f ms; the plugin takes %.2f times that and 0.2 ms", c.As, twin.MS, ratio)
	}
	return nil
}

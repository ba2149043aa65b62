package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
)

type benchCmd struct {
	Model     string   `placeholder:"FILE" xor:"what" required:"" help:"The ONNX model."`
	Kernels   bool     `xor:"what" required:"" help:"Time operators at the sizes of common models instead of a model, against this machine's measured rates."`
	Opt       string   `default:"sgd" placeholder:"NAME|FILE.onnx[,k=v…]" help:"Optimizer, by name or as an ONNX file, and its settings."`
	Plugin    []string `sep:"none" placeholder:"FILE" help:"Use the optimizer in this file, a program or an ONNX file, by its name in --opt."`
	Data      string   `placeholder:"SPEC" help:"Where the batch comes from; built-in synthetic data if not given."`
	Batch     int      `default:"32" help:"Examples a step."`
	DType     string   `name:"dtype" default:"f32" enum:"f32,bf16" help:"Precision of the step: f32 or bf16."`
	Threads   int      `help:"Compute threads; 0 takes all that the container allows."`
	ISA       string   `name:"isa" help:"Highest instruction set to use: generic, avx2, avx512, avx512bf16, amx."`
	Recompute bool     `help:"Take less memory and more time: compute values of the forward pass again for gradients."`
	Steps     int      `default:"20" help:"Steps to time."`
	Profile   bool     `help:"Show the ten slowest nodes, against this machine's measured rates."`
	Trace     string   `placeholder:"FILE" help:"Write the nodes of three steps to this file, as a trace for chrome://tracing or Perfetto."`
	JSON      bool     `help:"Print one JSON object."`
}

func (c *benchCmd) Run(e *env) error {
	if c.Steps < 1 {
		return usage("--steps: must be at least 1")
	}
	if c.Kernels && c.Trace != "" {
		return usage("--trace: is of a model's steps; give --model instead of --kernels")
	}
	if c.Kernels {
		return c.kernels(e)
	}
	if err := c.checkTrace(); err != nil {
		return err
	}
	s, err := train.Open(train.Config{Model: c.Model, Opt: c.Opt, Plugin: c.Plugin, Data: c.Data, Batch: c.Batch, DType: c.DType,
		Threads: c.Threads, ISA: c.ISA, Recompute: c.Recompute, Loss: "auto", Init: "file", Schedule: "constant", Accumulate: 1, Workers: 1,
		LogEvery: 1, LossTerms: "batch+seq"}, true)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := bench.Run(context.Background(), s, bench.Options{Steps: c.Steps, Profile: c.Profile, Trace: c.Trace != ""})
	if err != nil {
		return err
	}
	if err := c.saveTrace(r.Trace); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	p := page{w: e.stdout}
	p.line("%.2f ms a step (least %.2f), %.0f examples/s: forward %.2f, backward %.2f, optimizer %.2f ms; %.1f GFLOP/s; plan %s, resident %s",
		r.MSPerStep, r.MSMin, r.SamplesPerS, r.ForwardMS, r.BackwardMS, r.OptimizerMS, r.GFLOPS, byteSize(r.PlanBytes), byteSize(r.RSSBytes))
	if c.Profile {
		printLimits(&p, r.Limits)
		printNodes(&p, r.Nodes[:min(10, len(r.Nodes))])
	}
	return p.err
}

// printLimits says what rates are compared with.
func printLimits(p *page, l *bench.Limits) {
	p.line("limits on %s, threads %d: %.1f GFLOP/s in float32, %.1f in bf16; memory %s", l.ISA, l.Threads, l.F32, l.BF16, bandwidths(l.Memory))
}

// bandwidths leaves out sizes at which little changes.
func bandwidths(list []bench.Bandwidth) string {
	var text []string
	for i, m := range list {
		if last := i == len(list)-1; last || list[i+1].GBS < 0.8*m.GBS {
			text = append(text, fmt.Sprintf("%.1f GB/s up to %s", m.GBS, byteSize(int64(m.Bytes))))
		}
	}
	return strings.Join(text, ", ")
}

func printNodes(p *page, nodes []bench.Node) {
	var rows [][]any
	for _, n := range nodes {
		rows = append(rows, slices.Concat([]any{fmt.Sprintf("%.3f", n.MS), n.Phase, n.Op, n.Kernel}, rateCells(n.Rate), []any{n.Name}))
	}
	p.table(slices.Concat([]any{"ms", "phase", "operator", "kernel"}, rateHeading, []any{"node"}), rows...)
}

var rateHeading = []any{"GFLOP/s", "GB/s", "of the limit"}

func rateCells(r bench.Rate) []any {
	cells := []any{"-", "-", "-"}
	if r.GFLOPS > 0 {
		cells[0] = fmt.Sprintf("%.1f", r.GFLOPS)
	}
	if r.GBS > 0 {
		cells[1] = fmt.Sprintf("%.1f", r.GBS)
	}
	if r.Limit != "" {
		cells[2] = fmt.Sprintf("%.0f %% of %s", 100*r.Share, r.Limit)
	}
	return cells
}

func (c *benchCmd) kernels(e *env) error {
	if c.ISA != "" {
		level, err := cpu.ParseLevel(c.ISA)
		if err != nil {
			return usage("--isa: %w", err)
		}
		defer cpu.Limit(level)()
	}
	pool := par.New(c.Threads)
	defer pool.Close()
	dt := tensor.Float32
	if c.DType == "bf16" {
		dt = tensor.BFloat16Type
	}
	limits := bench.MeasureLimits(pool)
	list, rest, err := bench.Kernels(context.Background(), pool, limits, dt, c.Steps)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(list)
	}
	p := page{w: e.stdout}
	printLimits(&p, limits)
	var rows [][]any
	for _, k := range list {
		rows = append(rows, slices.Concat([]any{fmt.Sprintf("%.3f", k.MS), k.Kernel}, rateCells(k.Rate), []any{k.Name}))
	}
	p.table(slices.Concat([]any{"ms", "kernel"}, rateHeading, []any{"call"}), rows...)
	if len(rest) > 0 {
		p.line("\nnot timed, as they run on other types, instruction sets or inside of larger graphs: %s", strings.Join(rest, ", "))
	}
	return p.err
}

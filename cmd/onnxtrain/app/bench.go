package app

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
)

type benchCmd struct {
	Model   string   `placeholder:"FILE" xor:"what" required:"" help:"The ONNX model."`
	Kernels bool     `xor:"what" required:"" help:"Time operators at the sizes of common models instead of a model."`
	Opt     string   `default:"sgd" placeholder:"NAME|FILE.onnx[,k=v…]" help:"Optimizer, by name or as an ONNX file, and its settings."`
	Plugin  []string `sep:"none" placeholder:"FILE" help:"Use the optimizer in this file, a program or an ONNX file, by its name in --opt."`
	Data    string   `placeholder:"SPEC" help:"Where the batch comes from; built-in synthetic data if not given."`
	Batch   int      `default:"32" help:"Examples a step."`
	DType   string   `name:"dtype" default:"f32" enum:"f32,bf16" help:"Precision of the step: f32 or bf16."`
	Threads int      `help:"Compute threads; 0 takes all that the container allows."`
	ISA     string   `name:"isa" help:"Highest instruction set to use: generic, avx2, avx512, avx512bf16, amx."`
	Steps   int      `default:"20" help:"Steps to time."`
	Profile bool     `help:"Show the ten slowest nodes."`
	JSON    bool     `help:"Print one JSON object."`
}

func (c *benchCmd) Run(e *env) error {
	if c.Steps < 1 {
		return usage("--steps: must be at least 1")
	}
	if c.Kernels {
		return c.kernels(e)
	}
	s, err := train.Open(train.Config{Model: c.Model, Opt: c.Opt, Plugin: c.Plugin, Data: c.Data, Batch: c.Batch, DType: c.DType,
		Threads: c.Threads, ISA: c.ISA, Loss: "auto", Init: "file", Schedule: "constant", Accumulate: 1, Workers: 1, LogEvery: 1,
		LossTerms: "batch+seq"}, true)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := bench.Run(context.Background(), s, c.Steps, c.Profile)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	fmt.Fprintf(e.stdout, "%.2f ms a step (least %.2f), %.0f examples/s: forward %.2f, backward %.2f, optimizer %.2f ms; %.1f GFLOP/s; plan %s, resident %s\n",
		r.MSPerStep, r.MSMin, r.SamplesPerS, r.ForwardMS, r.BackwardMS, r.OptimizerMS, r.GFLOPS, byteSize(r.PlanBytes), byteSize(r.RSSBytes))
	if !c.Profile {
		return nil
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ms\toperator\tkernel\tGFLOP/s\tnode")
	for _, n := range r.Nodes[:min(10, len(r.Nodes))] {
		fmt.Fprintf(w, "%.3f\t%s\t%s\t%.1f\t%s\n", n.MS, n.Op, n.Kernel, n.GFLOPS, n.Name)
	}
	return w.Flush()
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
	list, err := bench.Kernels(context.Background(), pool, c.Steps)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "operator\tkernel\tms\tGFLOP/s\tGB/s\n")
	for _, k := range list {
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.1f\t%.1f\n", k.Name, k.Kernel, k.MS, k.GFLOPS, k.GBS)
	}
	return w.Flush()
}

package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/train"
)

type evalCmd struct {
	Model   string `required:"" placeholder:"FILE|RUN" help:"An ONNX file, or a run directory, whose best.onnx is taken."`
	Data    string `placeholder:"SPEC" help:"Data to score on; a run's validation data, or built-in synthetic data, if not given."`
	Output  string `placeholder:"NAME" help:"The output to score; the first one if not given."`
	Loss    string `default:"auto" placeholder:"KIND|OUT=KIND[:W],…" help:"Loss: auto, ce, nll, mse, l1, huber, bce, model; or one for each of several outputs, as in training."`
	Inputs  string `placeholder:"NAME=ARRAY,…" help:"Arrays of the data that feed the model's inputs and the labels, where their names differ."`
	Batch   int    `default:"128" help:"Examples at a time."`
	Threads int    `help:"Compute threads; 0 takes all that the container allows."`
	Seed    uint64 `help:"Seed of synthetic data."`
	JSON    bool   `help:"Print one JSON object."`

	ExternalRoot   []string `placeholder:"DIR" help:"As in training, and so is --allow-hardlinks."`
	AllowHardlinks bool
}

func (c *evalCmd) Run(e *env) error {
	config := train.Config{Model: c.Model, Data: c.Data, Output: c.Output, Loss: c.Loss, Inputs: c.Inputs, Batch: c.Batch, Threads: c.Threads, Seed: c.Seed,
		Accumulate: 1, Workers: 2, LogEvery: 1, Init: "file", ExternalRoot: c.ExternalRoot, AllowHardlinks: c.AllowHardlinks}
	if info, err := os.Stat(c.Model); err == nil && info.IsDir() {
		run, err := train.ReadRunConfig(c.Model)
		if err != nil {
			return err
		}
		config.Model, config.Output, config.Loss, config.Tie, config.Seed = filepath.Join(c.Model, "best.onnx"), run.Output, run.Loss, run.Tie, run.Seed
		if c.Inputs == "" {
			config.Inputs = run.Inputs
		}
		if c.Data == "" {
			config.Data, config.Val = run.Data, run.Val
		}
	}
	s, err := train.Open(config, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Synthetic {
		e.log.Info("no --data: scoring on built-in synthetic data")
	}
	result, err := s.Evaluate(context.Background())
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(result)
	}
	fmt.Fprintln(e.stdout, describeEvaluation(result))
	return nil
}

func describeEvaluation(e train.Evaluation) string {
	text := fmt.Sprintf("loss %.4f", e.Loss)
	if e.Classified {
		text += fmt.Sprintf("  top1 %.2f %%  top5 %.2f %%", 100*e.Top1, 100*e.Top5)
	}
	if e.Perplexity > 0 {
		text += fmt.Sprintf("  perplexity %.3f", e.Perplexity)
	}
	return text + fmt.Sprintf("  (%d examples)", e.Examples)
}

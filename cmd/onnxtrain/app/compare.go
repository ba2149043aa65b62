package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/compare"
)

type compareCmd struct {
	Opts     []string `placeholder:"NAME,…" help:"Optimizers to compare; see: onnxtrain optimizers list."`
	Opt      []string `sep:"none" placeholder:"NAME[,k=v…]" help:"An optimizer with settings that are fixed; the search leaves them alone. With dtype=… among them its runs are in that precision. May be repeated."`
	Plugin   []string `sep:"none" placeholder:"FILE" help:"Use the optimizer in this file, a program or an ONNX file, by its name. May be repeated."`
	Budget   string   `placeholder:"KEY=N,…" help:"Short for --steps, --epochs, --trials and --seeds, as in steps=2000,trials=8."`
	Steps    int      `placeholder:"N" help:"Updates of every trial."`
	Epochs   int      `placeholder:"N" help:"Or passes over the data; 3 if neither is given."`
	Trials   int      `placeholder:"N" help:"Trials of the search for each optimizer; 8 if not given, 200 for --protocol paper, 1 takes settings as they are."`
	Seeds    int      `placeholder:"N" help:"Runs of each optimizer's best setting, with seeds that the search did not use; 3 if not given."`
	Protocol string   `default:"plain" enum:"plain,paper" help:"Search: plain draws from the declared ranges, the first trial takes the defaults; paper does as arXiv 2402.03496: a second half of the trials is drawn around the best of the first, matrices are updated every 2 steps, damping is at most 5e-4."`
	Tune     []string `sep:"none" placeholder:"[OPT.]NAME=LO..HI[:log]" help:"Search a hyper-parameter in this range, on the declared scale unless :log or :linear says another. May be repeated."`
	TuneOnly []string `placeholder:"NAME,…" help:"Search these hyper-parameters, and those of --tune, and no others."`
	Stop     string   `default:"median" enum:"median,none" help:"Hopeless trials: median stops one at a quarter, a half or three quarters of its steps when its loss there is above the median of the trials in earlier groups; none never does."`
	Rank     string   `default:"auto" enum:"auto,accuracy,loss" help:"What of the validation decides; auto takes accuracy where there are classes."`
	Target   string   `default:"auto" placeholder:"top1>=X|loss<=X" help:"Score to count steps and seconds to; auto takes what the first optimizer ends with."`
	Jobs     int      `default:"1" help:"Trials of the search at a time, which share the threads. Results do not depend on it."`

	Model          string          `required:"" placeholder:"FILE" help:"The ONNX model."`
	Data           string          `placeholder:"SPEC" help:"Training data; built-in synthetic data if not given."`
	Val            string          `placeholder:"SPEC|split=F" help:"Validation data; split=0.1 if not given."`
	Test           string          `placeholder:"SPEC" help:"Data to score the runs over the seeds on, so that what the search chose by is not what it is judged by."`
	Batch          int             `default:"128" help:"Examples a step."`
	Init           string          `default:"file" enum:"file,fresh" help:"Initial weights: from the file, or fresh ones for each seed."`
	Schedule       train.Schedules `default:"constant" placeholder:"[HYPER=]NAME[,k=v…]" help:"As of train, as are the following."`
	Warmup         string          `placeholder:"N|P%" help:"Linear warm-up."`
	ClipNorm       float64         `placeholder:"NORM" help:"Largest norm of gradients."`
	Accumulate     int             `default:"1" help:"Batches to average over before an update."`
	LossTerms      string          `default:"batch+seq" enum:"batch,batch+seq,sum" help:"Number of loss terms that optimizers are told."`
	Loss           string          `default:"auto" placeholder:"KIND" help:"Loss."`
	LabelSmoothing float64         `placeholder:"X" help:"Label smoothing."`
	Output         string          `placeholder:"NAME" help:"Output that the loss looks at."`
	Inputs         string          `placeholder:"NAME=ARRAY,…" help:"Arrays that feed inputs and labels."`
	Freeze         []string        `placeholder:"GLOB" help:"Parameters not to train."`
	Train          []string        `placeholder:"GLOB" help:"Parameters to train."`
	BN             string          `name:"bn" default:"auto" enum:"auto,train,frozen" help:"Form of BatchNorm."`
	UnfoldBN       bool            `name:"unfold-bn" help:"Put folded BatchNorm back."`
	ReplaceHead    string          `placeholder:"classes=N" help:"Another number of classes."`
	AllowUnused    bool            `help:"Only warn of weights that do not reach the loss."`
	NoDecay        []string        `placeholder:"ROLE" help:"Roles without weight decay."`
	Group          []string        `sep:"none" placeholder:"GLOB:k=v,…" help:"Settings by parameter."`
	LayerDecay     float64         `placeholder:"X" help:"Layer-wise decay of the learning rate."`
	EMA            float64         `name:"ema" placeholder:"D" help:"Evaluate an average of the weights."`
	NoShuffle      bool            `help:"Keep the order of the data."`
	EvalEvery      int             `placeholder:"N" help:"Steps between validations in the runs over the seeds; a twentieth of all if not given."`
	Seed           uint64          `help:"Seed of the search; the runs of the best settings take those after it."`
	Workers        int             `default:"2" help:"Goroutines that read data."`
	DType          string          `name:"dtype" default:"f32" enum:"f32,bf16,f64" help:"Precision."`
	Threads        int             `placeholder:"N" help:"Compute threads; 0 takes all."`
	ISA            string          `name:"isa" placeholder:"LEVEL" help:"Highest instruction set to use."`
	Recompute      bool            `help:"Take less memory and more time for each step."`
	MaxMemory      string          `placeholder:"SIZE" help:"Refuse trials whose plan is larger."`

	Out       string `short:"o" placeholder:"DIR" help:"Directory of trials and reports; one under runs that depends on the settings if not given, so that the same command goes on with what it began."`
	Overwrite bool   `help:"Start anew in a directory that holds another comparison."`
	Format    string `default:"text" enum:"text,csv,json,markdown" help:"Form of the result on stdout: text, csv, json, markdown. The directory gets all, and report.html and report.svg with the curves."`
}

// Help is what `compare --help` says above the flags.
func (c *compareCmd) Help() string {
	return `Every optimizer gets the same initial weights, order of data, steps and number of trials. A random search over the ranges that an
optimizer declares (onnxtrain optimizers describe NAME) finds its setting; the best one by validation is then run over several seeds.

  onnxtrain compare --model model.onnx --data cifar10:DIR --opts sgd,adamw,ifshampoo --budget steps=2000,trials=8

A comparison that was interrupted, even killed, goes on when the same command is given again; finished trials are not run anew.`
}

func (c *compareCmd) Run(e *env) error {
	s, err := c.study()
	if err != nil {
		return err
	}
	ctx, caught, stop := listen(e, &train.Session{})
	defer stop()
	report, err := compare.Run(ctx, s, &compareProgress{env: e, began: time.Now()})
	if errors.Is(err, compare.ErrStopped) {
		e.log.Info(err.Error())
		return &exitCode{signalCode(<-caught)}
	}
	if err != nil {
		return err
	}
	return report.Print(e.stdout, c.Format)
}

func (c *compareCmd) study() (compare.Study, error) {
	s := compare.Study{Optimizers: append(append([]string{}, c.Opts...), c.Opt...), Trials: c.Trials, Seeds: c.Seeds, Protocol: c.Protocol,
		Stop: c.Stop, Tune: c.Tune, TuneOnly: c.TuneOnly, Rank: c.Rank, Target: c.Target, Test: c.Test, Out: c.Out, Overwrite: c.Overwrite, Jobs: c.Jobs}
	s.Train = train.Config{Model: c.Model, Output: c.Output, Loss: c.Loss, Inputs: c.Inputs, LabelSmoothing: c.LabelSmoothing,
		Freeze: c.Freeze, Train: c.Train, AllowUnused: c.AllowUnused, BN: c.BN, UnfoldBN: c.UnfoldBN, ReplaceHead: c.ReplaceHead, Init: c.Init,
		NoDecay: c.NoDecay, Group: c.Group, LayerDecay: c.LayerDecay, EMA: c.EMA, Schedule: c.Schedule, Warmup: c.Warmup, ClipNorm: c.ClipNorm,
		Accumulate: c.Accumulate, LossTerms: c.LossTerms, Data: c.Data, Val: c.Val, Batch: c.Batch, Epochs: c.Epochs, Steps: c.Steps,
		NoShuffle: c.NoShuffle, Workers: c.Workers, Seed: c.Seed, DType: c.DType, Threads: c.Threads, ISA: c.ISA, Recompute: c.Recompute,
		MaxMemory: c.MaxMemory, EvalEvery: c.EvalEvery, Plugin: c.Plugin}
	if err := s.Train.LoadPlugins(); err != nil {
		return s, err
	}
	for _, r := range []struct {
		flag string
		n    int
		min  int
	}{{"--jobs", c.Jobs, 1}, {"--trials", c.Trials, 0}, {"--seeds", c.Seeds, 0}} {
		if r.n < r.min {
			return s, usage("%s: must be at least 1", r.flag)
		}
	}
	if c.Budget == "" {
		return s, nil
	}
	fields := map[string]*int{"steps": &s.Train.Steps, "epochs": &s.Train.Epochs, "trials": &s.Trials, "seeds": &s.Seeds}
	for item := range strings.SplitSeq(c.Budget, ",") {
		key, value, _ := strings.Cut(item, "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		to := fields[strings.TrimSpace(key)]
		if to == nil || err != nil || n < 1 {
			return s, usage("--budget %q: it is like steps=2000,trials=8, of steps or epochs, trials and seeds", c.Budget)
		}
		if *to != 0 && *to != n {
			return s, usage("--budget %q: %s is given twice", c.Budget, strings.TrimSpace(key))
		}
		*to = n
	}
	return s, nil
}

// compareProgress prints a line for each trial.
type compareProgress struct {
	env   *env
	plan  compare.Plan
	began time.Time
	done  int
	fresh int
}

func (p *compareProgress) Planned(plan compare.Plan) {
	p.plan = plan
	if plan.Synthetic {
		p.env.log.Info("no --data: training on built-in synthetic data fitted to the model's inputs")
	}
	fmt.Fprintf(p.env.stderr, "compare    %d trials of at most %d steps, %d examples, %d to score on, at most %s a trial\n",
		plan.Trials, plan.Steps, plan.Examples, plan.Scored, byteSize(plan.Memory))
	fmt.Fprintf(p.env.stderr, "folder     %s\n", plan.Dir)
}

func (p *compareProgress) Finished(t *compare.Trial, old bool) {
	p.done++
	if old {
		return
	}
	p.fresh++
	end := string(t.Status) + ": " + t.Why
	if t.Status == compare.Done {
		last := t.Scores[len(t.Scores)-1]
		end = fmt.Sprintf("loss %.4f", float64(last.Loss))
		if t.Classified {
			end += fmt.Sprintf("  top1 %.2f %%", 100*float64(last.Top1))
		}
	}
	left := time.Since(p.began) / time.Duration(p.fresh) * time.Duration(max(p.plan.Trials-p.done, 0))
	fmt.Fprintf(p.env.stderr, "%d/%d  %s %d  %s  %s  %.1fs, %v left\n", p.done, p.plan.Trials, t.Stage, t.Index+1, t.Opt, end, t.Seconds, left.Round(time.Second))
}

func (p *compareProgress) Warned(text string) { p.env.log.Warn(text) }

package train

import (
	"bytes"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Config is everything that a run depends on: command line, configuration file and the run directory's config.yaml are
// all this one struct. Tags give the flags their names and help.
type Config struct {
	Model  string `yaml:"model" placeholder:"FILE" help:"The ONNX model to train."`
	Output string `yaml:"output,omitempty" placeholder:"NAME" help:"The model output that the loss looks at; the first one if not given."`
	Loss   string `yaml:"loss" default:"auto" placeholder:"KIND|OUT=KIND[:W],…" help:"Loss: auto, ce, nll, mse, l1, huber, bce, model. auto takes the model's own loss if it has one and goes by the labels if not. Several outputs: a=ce,b=mse:0.5 is the weighted sum."`
	Inputs string `yaml:"inputs,omitempty" placeholder:"NAME=ARRAY,…" help:"Arrays of the data that feed the model's inputs, and the labels (label; label.OUT for each of several losses), where their names differ."`

	LabelSmoothing float64  `yaml:"label_smoothing,omitempty" placeholder:"X" help:"Label smoothing of cross-entropy."`
	Freeze         []string `yaml:"freeze,omitempty" placeholder:"GLOB" help:"Leave the parameters that match as they are."`
	Train          []string `yaml:"train,omitempty" placeholder:"GLOB" help:"Train only the parameters that match."`
	AllowUnused    bool     `yaml:"allow_unused,omitempty" help:"Only warn of weights that do not reach the loss: weights of layers (Conv, Gemm, MatMul, LSTM, norms, embeddings); other constants, such as masks, never need to."`
	BN             string   `yaml:"bn,omitempty" name:"bn" default:"auto" enum:"auto,train,frozen" help:"BatchNorm in training: train takes the statistics of the batch, frozen the running ones (scale and shift still train), auto those of the batch but in frozen layers."`
	UnfoldBN       bool     `yaml:"unfold_bn,omitempty" name:"unfold-bn" help:"Put BatchNorm after the convolutions of an inference export, with statistics of the training data; files that are written have it folded back."`
	ReplaceHead    string   `yaml:"replace_head,omitempty" placeholder:"classes=N" help:"Give the last Gemm, MatMul or Conv before the output N outputs, with fresh weights drawn by --seed."`
	Tie            bool     `yaml:"tie,omitempty" help:"Keep equal initializers that an inference export merged one parameter."`
	ExternalRoot   []string `yaml:"external_root,omitempty" placeholder:"DIR" help:"Follow links to external data of the model into this folder as well; links out of the model's folder are refused otherwise."`
	AllowHardlinks bool     `yaml:"allow_hardlinks,omitempty" help:"Read external data in files that have other names as well (hard links)."`
	Init           string   `yaml:"init" default:"file" enum:"file,fresh" help:"Initial weights: from the file, or fresh ones drawn by --seed."`

	Opt         string    `yaml:"opt" default:"adamw" placeholder:"NAME|FILE.onnx[,k=v…]" help:"Optimizer, by name or as an ONNX file, and its settings; see: onnxtrain optimizers list."`
	LR          *float64  `yaml:"lr,omitempty" name:"lr" placeholder:"X" help:"Learning rate; the optimizer's default if not given."`
	WeightDecay *float64  `yaml:"weight_decay,omitempty" placeholder:"X" help:"Weight decay; the optimizer's default if not given."`
	NoDecay     []string  `yaml:"no_decay,omitempty" placeholder:"ROLE" help:"Roles without weight decay: bias, norm, embedding, weight."`
	Group       []string  `yaml:"group,omitempty" sep:"none" placeholder:"GLOB:k=v,…" help:"Settings of the optimizer for parameters by name or role, such as '*.bias:weight_decay=0' or 'role:norm:lr=x0.1', where x multiplies the value of the others. The first group that matches counts. May be repeated."`
	LayerDecay  float64   `yaml:"layer_decay,omitempty" placeholder:"X" help:"Multiply the learning rate by X for each layer between a parameter and the last layer."`
	EMA         float64   `yaml:"ema,omitempty" name:"ema" placeholder:"D" help:"Evaluate and keep as best.onnx an exponential moving average of the weights with decay D, such as 0.999."`
	Schedule    Schedules `yaml:"schedule" placeholder:"[HYPER=]NAME[,k=v…]" help:"Schedule of the learning rate: constant, linear, cosine, step, onecycle; if not given constant, and cosine on built-in data; with HYPER= that of another number of the optimizer. May be repeated."`
	Warmup      string    `yaml:"warmup,omitempty" placeholder:"N|P%" help:"Linear warm-up over N steps or P percent of the run."`
	ClipNorm    float64   `yaml:"clip_norm,omitempty" placeholder:"NORM" help:"Scale gradients down to this global norm; 0 never does."`
	Accumulate  int       `yaml:"accumulate" default:"1" help:"Batches to average gradients over before an update."`
	LossTerms   string    `yaml:"loss_terms" default:"batch+seq" enum:"batch,batch+seq,sum" help:"What the optimizer takes as the number of averaged loss terms."`

	Plugin        []string      `yaml:"plugin,omitempty" sep:"none" placeholder:"FILE" help:"Use the optimizer in this file, a program or an ONNX file, by its name in --opt. May be repeated. See: onnxtrain plugins."`
	PluginRestart int           `yaml:"plugin_restart,omitempty" placeholder:"N" help:"Start a plugin that fails again, at most N times, and make the step again from where it began."`
	PluginTimeout time.Duration `yaml:"plugin_timeout,omitempty" placeholder:"1m" help:"Time that a plugin may take for an answer; 1m if not given."`
	PluginMemory  string        `yaml:"plugin_memory,omitempty" placeholder:"SIZE" help:"Memory of its own that a plugin may take; 4GiB if not given."`

	Data      string `yaml:"data,omitempty" placeholder:"SPEC" help:"Training data, such as imagefolder:DIR; built-in synthetic data if not given. See: onnxtrain datasets."`
	Val       string `yaml:"val,omitempty" placeholder:"SPEC|split=F" help:"Validation data, or a fraction of the training data to hold out."`
	Batch     int    `yaml:"batch" default:"128" help:"Examples a step."`
	Epochs    int    `yaml:"epochs,omitempty" placeholder:"N" help:"Passes over the data; 3 if neither this nor --steps is given."`
	Steps     int    `yaml:"steps,omitempty" placeholder:"N" help:"Updates; the data is repeated as needed."`
	NoShuffle bool   `yaml:"no_shuffle,omitempty" help:"Keep the order of the data."`
	Workers   int    `yaml:"workers" default:"2" help:"Goroutines that read and augment data."`
	Seed      uint64 `yaml:"seed" default:"0" help:"Seed of order, augmentation, dropout and fresh weights."`

	DType     string `yaml:"dtype" name:"dtype" default:"f32" enum:"f32,bf16,f64" help:"Precision: f32; bf16 stores activations and their gradients in bf16 and keeps weights, sums, statistics and the loss in float32; f64 verifies, on slow reference kernels."`
	Threads   int    `yaml:"threads,omitempty" placeholder:"N" help:"Compute threads; 0 takes all that the container allows. Results do not depend on it."`
	ISA       string `yaml:"isa,omitempty" name:"isa" placeholder:"LEVEL" help:"Highest instruction set to use: generic, avx2, avx512, avx512bf16, amx."`
	Recompute bool   `yaml:"recompute,omitempty" help:"Take less memory and more time: compute values of the forward pass again for gradients instead of keeping them. Results do not depend on it."`
	MaxMemory string `yaml:"max_memory,omitempty" placeholder:"SIZE" help:"Refuse a run whose plan is larger, such as 4GiB; the memory of the machine or container if not given."`

	Out       string `yaml:"out,omitempty" short:"o" placeholder:"DIR" help:"Run directory; runs/TIME_MODEL_OPT if not given."`
	Overwrite bool   `yaml:"overwrite,omitempty" help:"Allow a run directory that holds a run."`
	LogEvery  int    `yaml:"log_every" default:"10" help:"Steps from one line of metrics to the next."`
	EvalEvery int    `yaml:"eval_every,omitempty" placeholder:"N" help:"Steps from one validation to the next; once an epoch if not given."`
	Digest    bool   `yaml:"digest,omitempty" help:"Add a hash of all weights to every line of metrics."`

	SaveEvery   string        `yaml:"save_every,omitempty" default:"10m" placeholder:"N|TIME|never" help:"Steps, or time such as 10m, from one checkpoint to the next. The end of a run saves one as well, unless this is never."`
	Keep        int           `yaml:"keep,omitempty" default:"3" help:"Checkpoints to keep."`
	InitFrom    string        `yaml:"init_from,omitempty" placeholder:"FILE|RUN" help:"Take initial weights by name from an ONNX or safetensors file, or the best ones of a run."`
	Time        time.Duration `yaml:"time,omitempty" placeholder:"2h" help:"Stop after this long, cleanly, with a checkpoint; counted anew when the run is resumed."`
	OnNonfinite string        `yaml:"on_nonfinite,omitempty" default:"stop" placeholder:"stop|skip:N|rollback:N" help:"When a loss, gradient or weight is not finite: stop, leave out the batch, or go back to the last checkpoint and on with the data after the batch, at most N times."`

	// Resume is a run or a checkpoint to go on from, or auto: Out if it holds a run, or else the newest one in runs, or
	// else a new one. Settings that change what a step computes must be the run's.
	Resume string `yaml:"-" kong:"-"`
	// ChangedOptimizer lets a run go on although the file of its optimizer is not the one that its checkpoint was written with.
	ChangedOptimizer bool `yaml:"-" kong:"-"`
}

// maxConfig is the largest configuration file in bytes. The decoder of YAML takes time with the square of it.
const maxConfig = 64 << 10

// ParseConfig reads a configuration file strictly: an unknown key is an error that shows its line.
func ParseConfig(file string, b []byte, c *Config) error {
	if len(b) > maxConfig {
		return failf(Usage, "%s: more than %d bytes are no configuration", file, maxConfig)
	}
	if err := plain(b); err != nil {
		return failf(Usage, "%s: %w", file, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict())
	if err := d.Decode(c); err != nil {
		const shown = 8 << 10 // bytes of a file whose lines are shown; the decoder formats all of it to show three
		return failf(Usage, "%s: %s", file, yaml.FormatError(err, false, len(b) < shown))
	}
	return nil
}

// plain refuses what no configuration has and what takes a decoder time and memory without bounds: aliases, which double a
// file's contents again and again, and nesting.
func plain(b []byte) error {
	const deepest = 8 // settings are values and lists of values
	depth, entries, line := 0, 0, 0
	for _, t := range lexer.Tokenize(string(b)) {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType:
			return fmt.Errorf("line %d: %q: anchors, aliases and tags are not read; put names that begin with such a character into quotes", line, t.Value)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			entries++
		}
		if depth > deepest || entries > deepest && depth == 0 {
			return fmt.Errorf("line %d: nested too deeply", line)
		}
	}
	return nil
}

// YAML is the configuration as a file that ParseConfig reads.
func (c Config) YAML() ([]byte, error) { return yaml.Marshal(c) }

func (c *Config) check() error {
	if _, err := parseEvery(c.SaveEvery); err != nil {
		return err
	}
	if _, err := parsePolicy(c.OnNonfinite); err != nil {
		return err
	}
	type rule struct {
		bad  bool
		flag string
		want string
	}
	if _, err := ParseLoss(c.Loss, c.Output, c.LabelSmoothing); err != nil {
		return err
	}
	if _, err := parseArrayNames(c.Inputs); err != nil {
		return err
	}
	if _, err := parseHead(c.ReplaceHead); err != nil {
		return err
	}
	for _, r := range []rule{
		{c.Model == "", "--model", "name an ONNX file"},
		{c.Batch < 1, "--batch", "at least 1"},
		{c.Epochs < 0, "--epochs", "at least 0"},
		{c.Steps < 0, "--steps", "at least 0"},
		{c.Epochs > 0 && c.Steps > 0, "--epochs and --steps", "one of them"},
		{c.Accumulate < 1, "--accumulate", "at least 1"},
		{c.Workers < 1, "--workers", "at least 1"},
		{c.LogEvery < 1, "--log-every", "at least 1"},
		{c.EvalEvery < 0, "--eval-every", "at least 0"},
		{c.Keep < 0, "--keep", "at least 1"},
		{c.PluginRestart < 0, "--plugin-restart", "at least 0"},
		{c.PluginTimeout < 0, "--plugin-timeout", "above 0"},
		{c.Time < 0, "--time", "above 0"},
		{c.Threads < 0, "--threads", "at least 0"},
		{!(c.ClipNorm >= 0), "--clip-norm", "at least 0"},
		{!(c.LabelSmoothing >= 0 && c.LabelSmoothing < 1), "--label-smoothing", "in [0,1)"},
		{c.LR != nil && !(*c.LR > 0), "--lr", "above 0"},
		{!(c.LayerDecay >= 0 && c.LayerDecay <= 1), "--layer-decay", "above 0 and at most 1"},
		{!(c.EMA >= 0 && c.EMA < 1), "--ema", "in (0,1)"},
		{c.WeightDecay != nil && !(*c.WeightDecay >= 0), "--weight-decay", "at least 0"},
	} {
		if r.bad {
			return failf(Usage, "%s: must be %s", r.flag, r.want)
		}
	}
	return nil
}

// parseSize reads the value of a flag such as 4GiB, 500MB or a number of bytes.
func parseSize(flag, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	var number float64
	var unit string
	if _, err := fmt.Sscanf(s, "%g%s", &number, &unit); err != nil && unit != "" || !(number > 0) {
		return 0, failf(Usage, "%s %q is not a size such as 4GiB", flag, s)
	}
	scale, ok := map[string]float64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
		"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit]
	if !ok {
		return 0, failf(Usage, "%s %q: unknown unit %q; use MiB or GiB", flag, s, unit)
	}
	return int64(min(number*scale, 1<<62)), nil
}

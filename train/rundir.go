package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// RunDir is where a run leaves its files: config.yaml, metrics.jsonl, best.onnx and last.onnx.
type RunDir struct {
	Path    string
	metrics *os.File
	buffer  *bufio.Writer
}

// Metrics is a line of metrics.jsonl. Keys are only ever added.
type Metrics struct {
	Step        int      `json:"step"` // from 1
	Epoch       float64  `json:"epoch"`
	Loss        float64  `json:"loss"` // of the batch before its update
	Top1        *float64 `json:"top1,omitempty"`
	LR          float64  `json:"lr"`
	GradNorm    float64  `json:"grad_norm"`
	Examples    int      `json:"examples"` // seen so far
	PerSecond   float64  `json:"ex_per_s"`
	OptimizerMS float64  `json:"opt_ms"`
	Seconds     float64  `json:"t"` // since the start

	ValLoss *float64 `json:"val_loss,omitempty"`
	ValTop1 *float64 `json:"val_top1,omitempty"`
	ValTop5 *float64 `json:"val_top5,omitempty"`
}

// CreateRunDir makes the directory of a run and writes its configuration.
func CreateRunDir(c *Config, optName string, now time.Time) (*RunDir, error) {
	if c.Out == "" {
		model := strings.TrimSuffix(filepath.Base(c.Model), ".onnx")
		c.Out = filepath.Join("runs", fmt.Sprintf("%s_%s_%s", now.Format("2006-01-02T15-04-05"), model, optName))
	}
	if _, err := os.Stat(filepath.Join(c.Out, "metrics.jsonl")); err == nil && !c.Overwrite {
		return nil, failf(Usage, "--out %s holds a run already; choose another folder or add --overwrite", c.Out)
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return nil, failf(Usage, "--out: %v; choose a folder that can be written", err)
	}
	text, err := c.YAML()
	if err != nil {
		return nil, fail(Internal, err)
	}
	if err := renameio.WriteFile(filepath.Join(c.Out, "config.yaml"), text, 0o666); err != nil {
		return nil, unwritable(c.Out, err)
	}
	f, err := os.Create(filepath.Join(c.Out, "metrics.jsonl"))
	if err != nil {
		return nil, unwritable(c.Out, err)
	}
	return &RunDir{Path: c.Out, metrics: f, buffer: bufio.NewWriter(f)}, nil
}

func unwritable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return failf(Usage, "--out %s cannot be written: %v", dir, err)
	}
	return failf(Resources, "--out %s: %v; free some space or choose another folder", dir, err)
}

// Log appends a line of metrics.
func (d *RunDir) Log(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fail(Internal, err)
	}
	d.buffer.Write(append(line, '\n'))
	if err := d.buffer.Flush(); err != nil {
		return unwritable(d.Path, err)
	}
	return nil
}

// Close ends the metrics file.
func (d *RunDir) Close() error { return errors.Join(d.buffer.Flush(), d.metrics.Close()) }

// ReadRunConfig reads the configuration of a run directory.
func ReadRunConfig(dir string) (Config, error) {
	var c Config
	file := filepath.Join(dir, "config.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return c, failf(Usage, "%s is not a run directory: %v", dir, err)
	}
	return c, ParseConfig(file, b, &c)
}

// classList is the value of onnxtrain.classes: a JSON array of names.
func classList(names []string) string {
	b, _ := json.Marshal(names) // strings always encode
	return string(b)
}

package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// RunDir is where a run leaves its files: config.yaml, metrics.jsonl, checkpoints, best.onnx and last.onnx.
type RunDir struct {
	Path    string
	folder  *os.File // locked
	metrics *os.File
	backlog []byte // lines of metrics that a full disk did not take
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
	Seconds     float64  `json:"t"` // of training, since the start
	Digest      string   `json:"digest,omitempty"`

	ValLoss *float64 `json:"val_loss,omitempty"`
	ValTop1 *float64 `json:"val_top1,omitempty"`
	ValTop5 *float64 `json:"val_top5,omitempty"`
}

// CreateRunDir makes the directory of a run and writes its configuration.
func CreateRunDir(c *Config, optName string, now time.Time) (*RunDir, error) {
	if c.Out == "" {
		model := strings.TrimSuffix(filepath.Base(c.Model), ".onnx")
		opt := strings.TrimSuffix(filepath.Base(optName), filepath.Ext(optName)) // it may be the path of a file
		name := filepath.Join("runs", fmt.Sprintf("%s_%s_%s", now.Format("2006-01-02T15-04-05"), model, opt))
		var err error
		if c.Out, err = makeVacant(name); err != nil {
			return nil, failf(Usage, "--out: %w; choose a folder that can be written", err)
		}
	}
	if _, err := os.Stat(filepath.Join(c.Out, "metrics.jsonl")); err == nil && !c.Overwrite {
		return nil, failf(Usage, "--out %s holds a run already; choose another folder or add --overwrite", c.Out)
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return nil, failf(Usage, "--out: %v; choose a folder that can be written", err)
	}
	return openRunDir(c, true)
}

// makeVacant makes the directory NAME, or NAME-2 and so on for runs that start within one second.
func makeVacant(name string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	for i, dir := 2, name; ; i++ {
		if err := os.Mkdir(dir, 0o777); !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
		dir = fmt.Sprintf("%s-%d", name, i)
	}
}

// openRunDir takes a directory for this process, writes the configuration and opens the metrics. Anew leaves nothing of an
// earlier run to resume, else they are continued.
func openRunDir(c *Config, anew bool) (*RunDir, error) {
	d := &RunDir{Path: c.Out}
	if err := d.open(c, anew); err != nil {
		_ = d.Close() // the first error is the one to tell
		return nil, err
	}
	return d, nil
}

func (d *RunDir) open(c *Config, anew bool) (err error) {
	if d.folder, err = os.Open(c.Out); err != nil {
		return unwritable(c.Out, err)
	}
	if !lockFile(d.folder) {
		return failf(Usage, "--out %s: another process trains in this folder; wait for its end or choose another one", c.Out)
	}
	for _, old := range []string{"checkpoints", "post-mortem", "metrics.jsonl"} {
		if !anew {
			break
		}
		if err := os.RemoveAll(filepath.Join(c.Out, old)); err != nil {
			return unwritable(c.Out, err)
		}
	}
	text, err := c.YAML()
	if err != nil {
		return fail(Internal, err)
	}
	if err := renameio.WriteFile(filepath.Join(c.Out, "config.yaml"), text, 0o666); err != nil {
		return unwritable(c.Out, err)
	}
	d.metrics, err = os.OpenFile(filepath.Join(c.Out, "metrics.jsonl"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return unwritable(c.Out, err)
	}
	return nil
}

// rewind takes lines of metrics back: those of steps after step, and one that a crash left half written.
func (d *RunDir) rewind(step int) error {
	if err := d.flush(); err != nil {
		return err
	}
	f, err := os.Open(d.metrics.Name())
	if err != nil {
		return unwritable(d.Path, err)
	}
	defer f.Close()
	keep := int64(0)
	for r := bufio.NewReaderSize(f, maxLine); ; {
		line, err := r.ReadSlice('\n')
		var m struct{ Step int }
		if err != nil || json.Unmarshal(line, &m) != nil || m.Step > step { // also at a line longer than any that was written
			break
		}
		keep += int64(len(line))
	}
	if err := d.metrics.Truncate(keep); err != nil {
		return unwritable(d.Path, err)
	}
	return nil
}

// maxLine is more than a line of metrics takes, in bytes.
const maxLine = 1 << 16

// sync puts the metrics so far onto the disk.
func (d *RunDir) sync() error {
	if err := d.flush(); err != nil {
		return err
	}
	if err := d.metrics.Sync(); err != nil {
		return unwritable(d.Path, err)
	}
	return nil
}

func unwritable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return failf(Usage, "--out %s cannot be written: %w", dir, err)
	}
	return failf(Resources, "--out %s: %w; free some space or choose another folder", dir, err)
}

// full reports whether an error is that of a disk or quota without room, which may pass.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// Log appends a line of metrics. After an error the line is not lost: the next call writes it too.
func (d *RunDir) Log(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fail(Internal, err)
	}
	d.backlog = append(append(d.backlog, line...), '\n')
	return d.flush()
}

func (d *RunDir) flush() error {
	n, err := d.metrics.Write(d.backlog)
	if err == nil {
		d.backlog = d.backlog[:0]
		return nil
	}
	if info, found := d.metrics.Stat(); n > 0 && found == nil {
		err = errors.Join(err, d.metrics.Truncate(info.Size()-int64(n))) // no half a line
	}
	return unwritable(d.Path, err)
}

// Close ends the metrics file.
func (d *RunDir) Close() error {
	err := d.metrics.Close()
	_ = d.folder.Close() // which was only read
	return err
}

// ReadRunConfig reads the configuration of a run directory.
func ReadRunConfig(dir string) (Config, error) {
	var c Config
	file := filepath.Join(dir, "config.yaml")
	if !isRun(dir) {
		return c, failf(Usage, "%s is not a run directory: it has no config.yaml", dir)
	}
	b, err := readConfig(file)
	if err != nil {
		return c, failf(Usage, "%s is not a run directory: %v", dir, err)
	}
	return c, ParseConfig(file, b, &c)
}

// readConfig reads a file that is refused when it is larger than any configuration.
func readConfig(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfig+1))
}

// classList is the value of onnxtrain.classes: a JSON array of names.
func classList(names []string) string {
	b, _ := json.Marshal(names) // strings always encode
	return string(b)
}

package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/train"
)

type exportCmd struct {
	Run_      string `arg:"" name:"run" help:"The run directory."`
	Out       string `required:"" short:"o" placeholder:"FILE" help:"The file to write."`
	Last      bool   `help:"The last weights instead of the best."`
	Overwrite bool   `help:"Replace a file that is there."`
}

func (c *exportCmd) Run(e *env) error {
	name := "best.onnx"
	if c.Last {
		name = "last.onnx"
	}
	from := filepath.Join(c.Run_, name)
	if _, err := os.Stat(c.Out); err == nil && !c.Overwrite {
		return usage("%s exists; choose another file or add --overwrite", c.Out)
	}
	// A file that does not load is not worth handing on.
	if _, err := onnxload.Open(from, onnxload.Options{}); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return usage("%s holds no %s; is it a run directory?", c.Run_, name)
		}
		return &train.Failure{Kind: train.BadModel, Err: err}
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = renameio.WriteFile(c.Out, b, 0o666)
	}
	if err != nil {
		return &train.Failure{Kind: train.Resources, Err: err}
	}
	e.log.Info("written", "file", c.Out)
	return nil
}

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
)

// checkTrace refuses a --trace that cannot be written before the steps, whose time would be lost.
func (c *benchCmd) checkTrace() error {
	if c.Trace == "" {
		return nil
	}
	if info, err := os.Stat(c.Trace); err == nil && !info.Mode().IsRegular() {
		return usage("--trace: %s is no regular file; give the name of a file to write", c.Trace)
	}
	f, err := pendingTrace(c.Trace)
	if err == nil {
		err = f.Cleanup() // an interrupt during the steps leaves no file behind
	}
	if err != nil {
		return usage("--trace: %s: %w; choose a file in a folder that can be written", c.Trace, cause(err))
	}
	return nil
}

// pendingTrace is what becomes the file, or the one that path links to, once it is whole.
func pendingTrace(path string) (*renameio.PendingFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o666))
}

func (c *benchCmd) saveTrace(t *bench.Trace) error {
	if c.Trace == "" {
		return nil
	}
	f, err := pendingTrace(c.Trace)
	if err == nil {
		defer f.Cleanup()
		err = t.Write(f)
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return &train.Failure{Kind: train.Resources, Err: fmt.Errorf("--trace: %s: %w", c.Trace, cause(err))}
	}
	return nil
}

// cause is err without the name of the temporary file.
func cause(err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Err
	}
	return err
}

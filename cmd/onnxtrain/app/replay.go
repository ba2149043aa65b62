package app

import (
	"context"

	"github.com/onnxtrain/onnxtrain/train"
)

type replayCmd struct {
	Dir     string `arg:"" placeholder:"DIR" help:"A run's post-mortem folder."`
	Threads int    `help:"Compute threads; 0 takes all that the container allows."`
}

func (c *replayCmd) Run(e *env) error {
	if err := train.Replay(context.Background(), c.Dir, c.Threads); err != nil {
		return err
	}
	e.log.Info("the step is finite now")
	return nil
}

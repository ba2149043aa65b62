package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// LoadPlugins makes the optimizers of Plugin known, as Open does. Their paths become absolute, so that the run's configuration
// finds them from anywhere.
func (c *Config) LoadPlugins() error {
	c.Plugin = slices.Clone(c.Plugin)
	for i, path := range c.Plugin {
		path, err := filepath.Abs(path)
		if err != nil {
			return fail(Usage, err)
		}
		if _, err := registry.Load(path); err != nil {
			return fail(Usage, fmt.Errorf("--plugin: %w", err))
		}
		c.Plugin[i] = path
	}
	return nil
}

// joint is the optimizer if it is one that parameters had better lie in the memory of.
func (c *Config) joint() (registry.Joint, error) {
	entry, _, err := registry.Parse(c.Opt)
	if err != nil || entry.Origin == "" {
		return nil, nil // what is wrong is found when the optimizer is made
	}
	opt, _, err := entry.New(nil)
	if err != nil {
		return nil, fail(Usage, err)
	}
	joint, _ := opt.(registry.Joint)
	return joint, c.limit(opt)
}

// limit bounds a plugin.
func (c *Config) limit(opt registry.Optimizer) error {
	limited, ok := opt.(registry.Limited)
	if !ok {
		return nil
	}
	memory, err := parseSize("--plugin-memory", c.PluginMemory)
	if err != nil {
		return err
	}
	limited.Limit(registry.Limits{Seconds: c.PluginTimeout.Seconds(), Memory: memory, Restarts: c.PluginRestart})
	return nil
}

// updateOrUndo makes a step of an optimizer that can be undone, which it is after a failure and when the results are not finite.
func (t *Trainer) updateOrUndo(c registry.Context, grads []*tensor.Tensor) (lr float64, err error) {
	for {
		lr, err = t.opt.update(c, t.Engine.Values, grads)
		if err != nil {
			return lr, err
		}
		bad := t.spoiled(c.Step, true)
		if bad == nil {
			return lr, nil
		}
		t.opt.Undo(c.Pool)
		name := fmt.Sprintf("%s (%s)", t.opt.Entry.Name, t.opt.Entry.Origin)
		err = &registry.PluginError{Plugin: name, Err: fmt.Errorf("step %d: gradients were finite, and %s", c.Step, bad.What)}
		if err = t.opt.Optimizer.(registry.Joint).Recover(err); err != nil {
			return lr, err
		}
	}
}

// pluginFailed ends a run whose optimizer failed, with everything as it was after the step before.
func (r *run) pluginFailed(err error) error {
	if r.savedStep != r.trainer.step {
		if saved := r.saveCheckpoint(); saved != nil {
			return fail(Plugin, errors.Join(err, saved))
		}
	}
	return failf(Plugin, "%w; the step changed no weight; go on from step %d with: onnxtrain train --resume %s",
		err, r.trainer.step, r.dir.Path)
}

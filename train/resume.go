package train

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// changeable are the settings of a run, by their keys, that a resumed one may change: they say how long it goes on, how
// it is computed and what is written, not what a step computes. The model may lie elsewhere; its hash is compared, as are a
// plugin's version and hash.
var changeable = map[string]bool{
	"model": true, "external_root": true, "allow_hardlinks": true, "epochs": true, "steps": true, "time": true, "log_every": true, "eval_every": true, "save_every": true,
	"keep": true, "on_nonfinite": true, "digest": true, "workers": true, "threads": true, "isa": true, "max_memory": true, "recompute": true,
	"out": true, "overwrite": true, "plugin": true, "plugin_restart": true, "plugin_timeout": true, "plugin_memory": true,
}

// ResumeConfig is the configuration of the run that resume names, with Out and Resume set; see Config.Resume. found is
// false when resume is auto and there is no run.
func ResumeConfig(resume, out string) (c Config, found bool, err error) {
	run, from, err := locate(resume, out)
	if err != nil || run == "" {
		return c, false, err
	}
	if c, err = ReadRunConfig(run); err != nil {
		return c, false, err
	}
	c.Out, c.Resume = run, from
	c.fill()
	return c, true, nil
}

// fill gives settings that an older version did not write their defaults, which are what it did.
func (c *Config) fill() {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		value, has := field.Tag.Lookup("default")
		if has && v.Field(i).Kind() == reflect.String && v.Field(i).IsZero() && !changeable[key(field)] {
			v.Field(i).SetString(value)
		}
	}
	if c.Schedule == "" {
		c.Schedule = "constant" // on built-in data too
	}
}

// key is a setting's name in config.yaml.
func key(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// locate finds the run that is meant, "" for none, and what in it to go on from: the run itself or a checkpoint.
func locate(resume, out string) (run, from string, err error) {
	if resume == "auto" {
		run = out
		if out == "" {
			run = newestRun("runs")
		} else if !isRun(out) {
			run = ""
		}
		return run, run, nil
	}
	run = resume
	if _, err := os.Stat(filepath.Join(resume, "state.json")); err == nil {
		if run = filepath.Dir(filepath.Dir(filepath.Clean(resume))); !isRun(run) {
			return "", "", failf(Usage, "--resume %s: the checkpoint does not lie in a run's folder; name the run, or take its weights alone with --init-from", resume)
		}
	}
	if !isRun(run) {
		return "", "", failf(Usage, "--resume %s: it is neither a run directory nor a checkpoint", resume)
	}
	if out != "" && filepath.Clean(out) != filepath.Clean(run) {
		return "", "", failf(Usage, "--out %s contradicts --resume %s: a resumed run goes on in its own folder", out, resume)
	}
	return run, resume, nil
}

func isRun(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "config.yaml"))
	return err == nil && info.Mode().IsRegular()
}

// newestRun is the run in a folder whose metrics were written last.
func newestRun(folder string) string {
	var newest string
	var at time.Time
	entries, _ := os.ReadDir(folder) // no folder, no run
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		info, err := os.Stat(filepath.Join(dir, "metrics.jsonl"))
		if err == nil && isRun(dir) && info.ModTime().After(at) {
			newest, at = dir, info.ModTime()
		}
	}
	return newest
}

// resume completes a configuration that goes on from a run and refuses what contradicts it.
func (c *Config) resume() error {
	saved, found, err := ResumeConfig(c.Resume, c.Out)
	if err != nil {
		return err
	}
	if !found {
		if c.Model == "" {
			return failf(Usage, "--resume auto: no run is there to go on from; name one, or begin one with --model FILE")
		}
		c.Resume = ""
		return nil
	}
	c.Out, c.Resume = saved.Out, saved.Resume
	c.fill()
	// A new number of epochs takes the place of the run's number of steps, and the other way round.
	if c.Epochs > 0 && c.Steps > 0 {
		if c.Steps == saved.Steps {
			c.Steps = 0
		} else if c.Epochs == saved.Epochs {
			c.Epochs = 0
		}
	}
	now, then := reflect.ValueOf(*c), reflect.ValueOf(saved)
	for i := range now.NumField() {
		key := key(now.Type().Field(i))
		if key == "-" || changeable[key] || same(now.Field(i), then.Field(i)) {
			continue
		}
		return failf(Usage, "--%s %s contradicts the run's %s (%s); leave it out, or start a new run with --init-from %s",
			strings.ReplaceAll(key, "_", "-"), shown(now.Field(i)), shown(then.Field(i)), filepath.Join(saved.Out, "config.yaml"), saved.Out)
	}
	return nil
}

func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// shown is a setting in a message.
func shown(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "default"
		}
		v = v.Elem()
	}
	if text := fmt.Sprint(v.Interface()); text != "" && text != "[]" {
		return text
	}
	return "none"
}

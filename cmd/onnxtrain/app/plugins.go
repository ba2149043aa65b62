package app

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/host"
	"github.com/onnxtrain/onnxtrain/train"
)

type pluginsCmd struct {
	List    pluginsList    `cmd:"" help:"List the files in the folders of plugins."`
	Install pluginsInstall `cmd:"" help:"Copy an optimizer into the folder of plugins, once it has shown that it is one."`
	Remove  pluginsRemove  `cmd:"" help:"Delete an optimizer from the folders of plugins."`
	Test    pluginsTest    `cmd:"" help:"Check that an optimizer keeps its promises, and time it."`
}

type pluginsList struct {
	JSON bool `help:"Print JSON."`
}

// listed is the JSON of a plugin.
type listed struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Version string `json:"version,omitempty"`
	Path    string `json:"path"`
	Digest  string `json:"sha256,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (c *pluginsList) Run(e *env) error {
	all := []listed{}
	for _, f := range host.Files() {
		l := listed{Name: f.Name, Kind: kindName(f), Path: f.Path}
		entry, err := found(f)
		if err != nil {
			l.Error = err.Error()
		} else {
			l.Version, l.Digest = entry.Version, entry.Digest
		}
		all = append(all, l)
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	p := page{w: e.stdout}
	for _, folder := range host.PluginFolders() {
		p.line("folder %s", folder)
	}
	var rows [][]any
	for _, l := range all {
		rows = append(rows, []any{l.Name, l.Kind, cmp.Or(l.Version, "-"), l.Path, cmp.Or(l.Error, "ok")})
	}
	if len(rows) == 0 {
		p.line("no plugins; install one with: onnxtrain plugins install FILE")
		return p.err
	}
	p.table([]any{"name", "kind", "version", "file", "state"}, rows...)
	return p.err
}

func kindName(f host.File) string {
	if f.ONNX {
		return "ONNX file"
	}
	return "program"
}

// found is the optimizer that a file in a folder of plugins is found as.
func found(f host.File) (*registry.Entry, error) {
	if slices.Contains(registry.Names(), f.Name) {
		return nil, fmt.Errorf("%s is the name of a built-in optimizer, which is taken instead; rename the file", f.Name)
	}
	e, err := registry.Lookup(f.Name)
	if err == nil && e.Origin != f.Path {
		err = fmt.Errorf("%s is found first", e.Origin)
	}
	return e, err
}

type pluginsInstall struct {
	Path  string `arg:"" type:"path" help:"A program or an ONNX file."`
	Force bool   `help:"Take the place of an installed one of that name."`
}

func (c *pluginsInstall) Run(e *env) error {
	entry, err := registry.OpenFile(c.Path)
	if err != nil {
		return usage("%w", err)
	}
	f := host.FileAt(c.Path)
	folders := host.PluginFolders()
	switch {
	case len(folders) == 0:
		return usage("there is no folder of plugins: $HOME is not set, or %s names no absolute path", host.Folders)
	case slices.Contains(registry.Names(), entry.Name):
		return usage("%s is the name of a built-in optimizer; %s needs another one", entry.Name, c.Path)
	}
	to := filepath.Join(folders[0], entry.Name+filepath.Ext(c.Path))
	for _, other := range host.Files() {
		if other.Name == entry.Name && !(c.Force && other.Path == to) {
			return usage("%s is installed already, as %s; remove it with: onnxtrain plugins remove %s", entry.Name, other.Path, entry.Name)
		}
	}
	mode := fs.FileMode(0o755)
	if f.ONNX {
		mode = 0o644
	}
	if err := c.copyTo(to, mode); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "installed %s; use it with --opt %s\n", to, entry.Name)
	return nil
}

// copyTo puts the file in its place once the copy has shown that it works alone, without what lies beside the original.
func (c *pluginsInstall) copyTo(to string, mode fs.FileMode) error {
	data, err := readBounded(c.Path)
	if err != nil {
		return usage("%w", err)
	}
	folder := filepath.Dir(to)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return usage("%w", err)
	}
	stage, err := os.MkdirTemp(folder, ".new-*")
	if err != nil {
		return usage("%w", err)
	}
	defer os.RemoveAll(stage)
	staged := filepath.Join(stage, filepath.Base(to))
	if err := renameio.WriteFile(staged, data, mode, renameio.IgnoreUmask()); err != nil {
		return &train.Failure{Kind: train.Resources, Err: err}
	}
	if _, err := registry.OpenFile(staged); err != nil {
		return usage("a copy of %s does not work: %w; an installed optimizer is one file that needs none beside it", c.Path, err)
	}
	if err := os.Rename(staged, to); err != nil {
		return usage("%w", err)
	}
	return nil
}

// readBounded reads a plugin's file.
func readBounded(path string) ([]byte, error) {
	const most = 1 << 30
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return data, err
}

type pluginsRemove struct {
	Name string `arg:"" help:"What plugins list calls it."`
}

func (c *pluginsRemove) Run(e *env) error {
	var errs []error
	removed := false
	for _, f := range host.Files() {
		if f.Name != c.Name {
			continue
		}
		if err := os.Remove(f.Path); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = true
		fmt.Fprintf(e.stdout, "removed %s\n", f.Path)
	}
	if err := errors.Join(errs...); err != nil {
		return usage("%w", err)
	}
	if !removed {
		return usage("no plugin is called %q; see: onnxtrain plugins list", c.Name)
	}
	return nil
}

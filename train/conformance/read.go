package conformance

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds a file of a case, maxTotal all that an archive unpacks to.
const (
	maxFile  = 1 << 30
	maxTotal = 4 << 30
)

// Read lists the cases below a folder, or in a .tar or .tar.gz, sorted by name: every folder that holds a model.onnx
// is one.
func Read(where string) ([]Case, error) {
	info, err := os.Stat(where)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	if info.IsDir() {
		err = readDir(where, files)
	} else {
		err = readTar(where, files)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	var cases []Case
	for name := range files {
		if path.Base(name) == "model.onnx" {
			cases = append(cases, Case{Name: path.Dir(name), Files: map[string][]byte{}})
		}
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s holds no folder with a model.onnx", where)
	}
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	byName := map[string]Case{}
	for _, c := range cases {
		byName[c.Name] = c
	}
	for name, b := range files {
		// A file lies in its case's folder or in a data set's folder below.
		for _, dir := range []string{path.Dir(name), path.Dir(path.Dir(name))} {
			if c, ok := byName[dir]; ok {
				c.Files[strings.TrimPrefix(name, dir+"/")] = b
			}
		}
	}
	return cases, nil
}

func wanted(name string) bool {
	return strings.HasSuffix(name, ".onnx") || strings.HasSuffix(name, ".pb") || path.Base(name) == "data.json"
}

func readDir(where string, files map[string][]byte) error {
	root, err := os.OpenRoot(where)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !wanted(name) {
			return err
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if name == "model.onnx" { // the folder itself is the case
			name = filepath.Base(where) + "/" + name
		} else if strings.HasPrefix(name, "test_data_set_") {
			name = filepath.Base(where) + "/" + name
		}
		files[name], err = readAll(f)
		return err
	})
}

func readTar(where string, files map[string][]byte) error {
	f, err := os.Open(where)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(where, "gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		r = z
	}
	total := 0
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || !wanted(name) {
			continue
		}
		b, err := readAll(t)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if total += len(b); total > maxTotal {
			return errors.New("the archive unpacks to more than 4 GiB")
		}
		files[name] = b
	}
}

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errors.New("larger than 1 GiB")
	}
	return b, err
}

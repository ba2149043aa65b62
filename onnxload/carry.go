package onnxload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

const (
	embedLimit    = maxMessage - 1<<20 // a model file that is larger gets external data
	minExternal   = 1 << 10            // smaller tensors stay in the model file
	externalAlign = 4 << 10            // so that readers can map tensors by pages
)

// embed puts external data into the model, so that it does not depend on files elsewhere.
func (d *draft) embed() error {
	tensor := func(p *onnxpb.TensorProto) error {
		if p.GetDataLocation() != onnxpb.TensorProto_EXTERNAL {
			return nil
		}
		t := d.tensors[p]
		if t.Tensor == nil {
			return fmt.Errorf("tensor %q: external data of its element type cannot be carried over", p.GetName())
		}
		raw := onnxpb.Raw(t.Data)
		p.RawData, p.ExternalData, p.DataLocation = &raw, nil, nil
		return nil
	}
	return walk{tensor, func(s *onnxpb.SparseTensorProto) error {
		if err := tensor(s.Values); err != nil {
			return err
		}
		return tensor(s.Indices)
	}}.model(d.proto)
}

// writeExternal moves the initializers' data to a new file beside path, whose path it returns.
func (d *draft) writeExternal(path string) (data string, err error) {
	f, err := createData(path)
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	at := int64(0)
	for _, p := range d.proto.Graph.Initializer {
		if p.RawData == nil || len(*p.RawData) < minExternal {
			continue
		}
		at = (at + externalAlign - 1) / externalAlign * externalAlign
		if _, err := f.WriteAt(*p.RawData, at); err != nil {
			return "", err
		}
		location := onnxpb.TensorProto_EXTERNAL
		p.DataLocation, p.ExternalData = &location, []*onnxpb.StringStringEntryProto{
			entry("location", filepath.Base(f.Name())),
			entry("offset", strconv.FormatInt(at, 10)),
			entry("length", strconv.Itoa(len(*p.RawData))),
		}
		at += int64(len(*p.RawData))
		p.RawData = nil
	}
	return f.Name(), f.Sync()
}

func entry(key, value string) *onnxpb.StringStringEntryProto {
	return &onnxpb.StringStringEntryProto{Key: &key, Value: &value}
}

// createData makes the first of FILE.data, FILE.2.data, … that is not there, so that no model loses its data.
func createData(path string) (*os.File, error) {
	for i := 1; ; i++ {
		name := path + ".data"
		if i > 1 {
			name = fmt.Sprintf("%s.%d.data", path, i)
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// dataFiles lists the files named as by createData that the model at path keeps its data in; none when there is no model.
func dataFiles(path string) []string {
	b, err := readModel(path, Options{})
	if err != nil || scan(b, modelMessage) != nil {
		return nil
	}
	p := &onnxpb.ModelProto{}
	if p.Unmarshal(b) != nil || p.Graph == nil {
		return nil
	}
	named := regexp.MustCompile("^" + regexp.QuoteMeta(filepath.Base(path)) + `(\.[0-9]+)?\.data$`)
	var files []string
	for _, t := range p.Graph.Initializer {
		for _, kv := range t.ExternalData {
			if v := kv.GetValue(); kv.GetKey() == "location" && named.MatchString(v) && !slices.Contains(files, v) {
				files = append(files, v)
			}
		}
	}
	return files
}

// removeData removes the data files of the model that was replaced at path, unless this model is read from them.
func (d *draft) removeData(path string, files []string) {
	var used []fs.FileInfo
	for location := range d.locations {
		if info, err := os.Stat(filepath.Join(filepath.Dir(d.Path), location)); err == nil {
			used = append(used, info)
		}
	}
	for _, name := range files {
		file := filepath.Join(filepath.Dir(path), name)
		info, err := os.Lstat(file)
		if err == nil && !slices.ContainsFunc(used, func(u fs.FileInfo) bool { return os.SameFile(u, info) }) {
			os.Remove(file) // a leftover does no harm
		}
	}
}

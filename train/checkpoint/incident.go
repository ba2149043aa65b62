package checkpoint

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Incident is a step that went wrong, with all that it takes to run it again: the checkpoint before it and its batches.
type Incident struct {
	Checkpoint
	Batches     [][]*tensor.Tensor // the arrays of each, in the data's order
	Fields      []string           // the arrays' names
	Description []byte
}

const (
	batchFile       = "batch.safetensors"
	descriptionFile = "description.txt"
)

var incidentFiles = append(append([]string{}, files...), batchFile, descriptionFile)

// SaveIncident writes an incident to the folder path, in place of one that is there. fs nil is the disk.
func SaveIncident(fs FS, path string, c *Incident) error {
	if fs == nil {
		fs = Disk{}
	}
	list, err := c.contents()
	if err != nil {
		return err
	}
	var arrays []Named
	meta := map[string]string{}
	for b, batch := range c.Batches {
		for f, t := range batch {
			arrays = append(arrays, Named{fmt.Sprintf("%d.%d", b, f), t})
		}
	}
	for i, name := range c.Fields {
		meta["field."+strconv.Itoa(i)] = name
	}
	list = append(list, tensors(batchFile, arrays, meta), text(descriptionFile, c.Description))
	return writeFolder(fs, path, list)
}

// OpenIncident verifies an incident and reads its batches.
func OpenIncident(path string) (*Saved, *Incident, error) {
	if err := verifyFolder(path, incidentFiles); err != nil {
		return nil, nil, err
	}
	saved, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	c := &Incident{Checkpoint: Checkpoint{State: saved.State, Config: saved.Config}}
	if c.Description, err = readSmall(filepath.Join(path, descriptionFile)); err != nil {
		return nil, nil, err
	}
	arrays := map[string]*tensor.Tensor{}
	meta, err := ReadFile(filepath.Join(path, batchFile), func(name string, dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
		arrays[name] = tensor.New(dt, shape...)
		return arrays[name], nil
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range len(meta) {
		c.Fields = append(c.Fields, meta["field."+strconv.Itoa(i)])
	}
	for b := 0; len(c.Fields) > 0 && arrays[strconv.Itoa(b)+".0"] != nil; b++ {
		var batch []*tensor.Tensor
		for f := range c.Fields {
			t := arrays[fmt.Sprintf("%d.%d", b, f)]
			if t == nil || len(t.Shape) == 0 || t.Shape[0] != arrays[strconv.Itoa(b)+".0"].Shape[0] {
				return nil, nil, fmt.Errorf("%s: batch %d lacks %q", filepath.Join(path, batchFile), b, c.Fields[f])
			}
			batch = append(batch, t)
		}
		c.Batches = append(c.Batches, batch)
	}
	if len(c.Batches) == 0 {
		return nil, nil, fmt.Errorf("%s holds no batch of %s", filepath.Join(path, batchFile), strings.Join(c.Fields, ", "))
	}
	return saved, c, nil
}

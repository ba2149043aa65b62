// Package onnxload turns ONNX files into graphs and graphs' weights back into ONNX files; no other package knows what
// such a file looks like.
package onnxload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Options bound what opening a file may take. The zero value takes the defaults.
type Options struct {
	// MaxFile is the largest model file in bytes, without external data; 0 is the largest that protobuf allows, 2 GiB.
	MaxFile int64
	// MaxTensors is the most memory in bytes that external data and densified sparse tensors may take; 0 is 16 GiB.
	MaxTensors int64
	// Merged leaves one initializer for all modules whose weights were equal when the file was written; otherwise each gets
	// its own again.
	Merged bool
	// Roots are folders besides the model's own that symbolic links to external data may lead into.
	Roots []string
	// HardLinks allows external data in files that have other names as well.
	HardLinks bool
}

// ErrTooLarge is wrapped by errors about files and tensors above a limit of Options.
var ErrTooLarge = errors.New("more than the limit")

const (
	maxMessage        = math.MaxInt32 // protobuf's limit on a message
	defaultMaxTensors = 16 << 30
)

// Model is an opened ONNX file. It does not change, unless by Adopt, and may be used by several goroutines. It holds the
// file's tensors and its external data in memory; the file itself is closed.
type Model struct {
	Path      string
	Producer  string // name and version of the program that wrote the file
	IRVersion int64
	Opset     map[string]int    // opset version by domain, "" for ai.onnx
	Metadata  map[string]string // metadata_props

	proto   *onnxpb.ModelProto
	flat    *onnxpb.GraphProto              // proto.Graph with the calls of functions replaced by their nodes
	scope   map[*onnxpb.NodeProto]*function // the function that a node of flat is from
	free    map[*onnxpb.NodeProto][]string  // what a node's subgraphs read from around them
	tensors map[*onnxpb.TensorProto]loaded
	sparse  map[*onnxpb.SparseTensorProto]loaded
	// transposed are the initializers that are another one transposed, by name.
	transposed map[string]string
	// locations are the files that external data was read from, relative to the model's folder.
	locations map[string]bool
}

// Open reads a model. Errors name the file and what in it is wrong. Files whose bytes are broken, whose functions do not
// expand, or whose tensors do not hold what they declare are refused here; the graph is checked by NewGraph.
func Open(path string, o Options) (*Model, error) {
	b, err := readModel(path, o)
	if err != nil {
		return nil, err
	}
	r := &reader{folder: filepath.Dir(path), roots: o.Roots, hardLinks: o.HardLinks, left: o.maxTensors(), merged: o.Merged}
	defer r.close()
	return decode(path, b, r)
}

// Decode reads a model from memory, which it keeps and which must not change. name stands for the file in errors.
// External data needs a folder and is refused.
func Decode(name string, b []byte) (*Model, error) {
	return decode(name, b, &reader{left: Options{}.maxTensors()})
}

// DecodeTensor reads a serialized TensorProto, such as the inputs and outputs of ONNX's test cases. The tensor may alias
// b, which must not change.
func DecodeTensor(name string, b []byte) (*tensor.Tensor, error) {
	if err := scan(b, tensorMessage); err != nil {
		return nil, fmt.Errorf("%s: not a serialized tensor: %w", name, err)
	}
	var p onnxpb.TensorProto
	if err := p.Unmarshal(b); err != nil {
		return nil, fmt.Errorf("%s: not a serialized tensor: %w", name, err)
	}
	t, err := (&reader{}).tensor(&p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

func (o Options) maxTensors() int64 {
	if o.MaxTensors == 0 {
		return defaultMaxTensors
	}
	return o.MaxTensors
}

// readModel reads the whole file. It is not mapped: a file that somebody truncates must not crash a training run.
func readModel(path string, o Options) ([]byte, error) {
	f, err := openRegular(os.OpenFile, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	limit := int64(maxMessage)
	if o.MaxFile > 0 {
		limit = min(limit, o.MaxFile)
	}
	switch size := info.Size(); {
	case size > maxMessage:
		return nil, fmt.Errorf("%s: %d bytes; an ONNX file is at most 2 GiB, so export larger models with external data",
			path, size)
	case size > limit:
		return nil, fmt.Errorf("%s: %d bytes are %w of %d", path, size, ErrTooLarge, limit)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func decode(name string, b []byte, r *reader) (*Model, error) {
	m, err := decodeModel(name, b, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func decodeModel(name string, b []byte, r *reader) (*Model, error) {
	if bytes.HasPrefix(b, []byte("version https://git-lfs")) {
		return nil, errors.New("this is a Git LFS pointer, not the model; fetch it with `git lfs pull`")
	}
	if err := scan(b, modelMessage); err != nil {
		return nil, fmt.Errorf("not an ONNX file, or damaged: %w", err)
	}
	p := &onnxpb.ModelProto{}
	if err := p.Unmarshal(b); err != nil {
		return nil, fmt.Errorf("not an ONNX file, or damaged: %w", err)
	}
	if p.Graph == nil {
		return nil, errors.New("the file holds no graph; is it an ONNX model?")
	}
	opset, err := opsets(p)
	if err != nil {
		return nil, err
	}
	m := &Model{Path: name, IRVersion: p.GetIrVersion(), Opset: opset, Metadata: map[string]string{}, proto: p}
	m.Producer = p.GetProducerName()
	if v := p.GetProducerVersion(); v != "" {
		m.Producer += " " + v
	}
	for _, e := range p.MetadataProps {
		m.Metadata[e.GetKey()] = e.GetValue()
	}
	if err := m.load(r); err != nil {
		return nil, err
	}
	if !r.merged {
		m.unmerge()
	}
	m.findTransposed()
	m.locations = map[string]bool{}
	for e := range r.read {
		m.locations[e.location] = true
	}
	return m, m.flatten()
}

// flatten expands functions and finds what subgraphs capture.
func (m *Model) flatten() error {
	if err := m.expand(); err != nil {
		return err
	}
	c := capturing{free: map[*onnxpb.NodeProto][]string{}}
	_, err := c.graph(m.flat)
	m.free = c.free
	return err
}

// opsets are the versions that the model imports. Before IR version 3 files did not say.
func opsets(p *onnxpb.ModelProto) (map[string]int, error) {
	if len(p.OpsetImport) == 0 && p.GetIrVersion() < 3 {
		return map[string]int{"": 1}, nil
	}
	return importedOpsets(p.OpsetImport)
}

func importedOpsets(list []*onnxpb.OperatorSetIdProto) (map[string]int, error) {
	opset := map[string]int{}
	for _, o := range list {
		domain, v := domainOf(o.GetDomain()), o.GetVersion()
		if v < 1 || v > math.MaxInt32 {
			return nil, fmt.Errorf("opset %d of domain %q cannot exist", v, domain)
		}
		if had, ok := opset[domain]; ok && had != int(v) {
			return nil, fmt.Errorf("opsets %d and %d of domain %q are both imported", had, v, domain)
		}
		opset[domain] = int(v)
	}
	return opset, nil
}

// domainOf is a domain's canonical name: "ai.onnx" may be left out.
func domainOf(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// NewGraph builds the model's graph, a new one at every call over the same read-only tensors. Functions are expanded.
// Node.Op.Since is the opset version in scope, which the passes resolve; types of inputs are the file's.
//
// A subgraph attribute is a *graph.Graph. What its nodes read from around it are captures: values of kind Input that are
// not among its Inputs. All subgraphs of a node have the same captures in the same order, and the values they stand for are
// the node's last inputs.
func (m *Model) NewGraph() (*graph.Graph, error) {
	g, err := (&builder{m: m}).build(m.flat, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return g, nil
}

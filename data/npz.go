package data

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func init() {
	Register("npz", Format{
		Doc:     "numpy arrays in a .npz, named as the model's inputs, plus label, or label.OUTPUT for each of several losses; the first axis counts the examples",
		Example: "npz:train.npz?label=y",
		Options: []Option{
			{"label", "name of the label array (label)"},
			{"scale", "factor for floating-point inputs, such as 0.00392156862745098 for bytes (1)"},
			{"check", "read arrays that stay in the file once, to verify their checksums (1)"},
			{"max", "bytes to load into memory at most (8589934592, or half of what there is)"},
		},
		ManyLabels: true,
		Open:       openNpz,
	})
}

func openNpz(q Request) (Dataset, error) {
	label := q.Options.String("label", "")
	scale := q.Options.Float("scale", 1, -1e30, 1e30)
	limit := budgetOf(q.Options)
	check := q.Options.Bool("check", true)
	if err := q.Options.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(q.Path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	columns, err := readNpz(f, info.Size(), q.Path, q.Want, label, limit, check)
	if err != nil {
		f.Close()
		return nil, err
	}
	d, err := newArrays(columns, q.Want, scale, f.Close)
	if err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

// readNpz finds the arrays that the model wants. Those stored without compression stay in the file; with check they are read
// once to verify their CRC.
func readNpz(f io.ReaderAt, size int64, path string, w Want, label string, limit budget, check bool) ([]*array, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	entries := map[string]*zip.File{}
	var names []string
	for _, e := range z.File {
		name, ok := strings.CutSuffix(e.Name, ".npy")
		if !ok {
			continue
		}
		if entries[name] != nil {
			return nil, fmt.Errorf("%s: two arrays are called %q", path, name)
		}
		entries[name] = e
		names = append(names, name)
	}
	wanted, err := chooseArrays(names, w, label)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var columns []*array
	for _, name := range wanted {
		a, err := readEntry(f, entries[name], path+": array "+name, &limit, check)
		if err != nil {
			return nil, fmt.Errorf("%s: array %q: %w", path, name, err)
		}
		columns = append(columns, a)
	}
	return columns, nil
}

// chooseArrays names the arrays of the model's inputs and the labels. A model with one input takes a differently named
// array when there is no choice; the label is called label where no array has the name that the model gives it.
func chooseArrays(names []string, w Want, label string) ([]string, error) {
	has := map[string]bool{}
	for _, n := range names {
		has[n] = true
	}
	var labels []string
	for i, l := range w.labels() {
		name := l.Name
		if i == 0 && label != "" {
			name = label
		} else if i == 0 && !has[name] {
			name = "label"
		}
		if has[name] {
			labels = append(labels, name)
			continue
		}
		if i == 0 && label == "" && w.Unlabelled {
			continue
		}
		hint := "say ?label=NAME"
		if len(w.More) > 0 {
			hint = fmt.Sprintf("say --inputs %s=NAME", l.Name)
		}
		return nil, fmt.Errorf("no label array %q (arrays: %s); %s", name, strings.Join(names, " "), hint)
	}
	var others []string
	for _, n := range names {
		if !slices.Contains(labels, n) {
			others = append(others, n)
		}
	}
	var wanted []string
	for _, in := range w.Inputs {
		switch {
		case has[in.Name]:
			wanted = append(wanted, in.Name)
		case len(w.Inputs) == 1 && len(others) == 1:
			wanted = append(wanted, others[0])
		default:
			return nil, fmt.Errorf("no array for the model's input %q (arrays: %s); name the arrays as the inputs, or say --inputs %s=NAME",
				in.Name, strings.Join(names, " "), in.Name)
		}
	}
	return append(wanted, labels...), nil
}

// maxDeflate is the largest factor by which DEFLATE expands (RFC 1951: 258 bytes from two bits).
const maxDeflate = 1032

func readEntry(f io.ReaderAt, e *zip.File, name string, limit *budget, check bool) (*array, error) {
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	h, head, err := readNpyHeader(r)
	if err != nil {
		return nil, err
	}
	a := &array{name: name, dt: h.DType, swap: h.BigEndian, shape: h.Shape}
	body := int64(h.Shape.Elems()) * int64(h.DType.Size())
	if e.UncompressedSize64 != uint64(head+body) {
		return nil, fmt.Errorf("%v takes %d bytes, the archive holds %d", describeType(h.DType, h.Shape), head+body, e.UncompressedSize64)
	}
	if uint64(body)/maxDeflate > e.CompressedSize64 {
		return nil, errors.New("claims more bytes than its compressed form can hold")
	}
	if e.Method == zip.Store && !h.Fortran {
		if check {
			if _, err := io.Copy(io.Discard, r); err != nil { // which ends in a look at the CRC
				return nil, fmt.Errorf("%w; the file is damaged", err)
			}
		}
		start, err := e.DataOffset()
		if err != nil {
			return nil, err
		}
		a.file, a.offset = f, start+head
		return a, nil
	}
	if err := limit.check(body, int64(min(e.CompressedSize64, 1<<50))); err != nil {
		return nil, fmt.Errorf("%w; or save uncompressed with numpy.savez", err)
	}
	limit.limit -= body
	if a.data, err = readExactly(r, body); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // reading to the end checks the CRC
		return nil, fmt.Errorf("%w; the file is damaged", err)
	}
	if h.Fortran {
		a.data = rowMajor(a.data, a.shape, a.dt.Size())
	}
	return a, nil
}

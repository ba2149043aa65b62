package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// npyHeader is the head of a .npy file (NumPy Enhancement Proposal 1 and numpy.lib.format).
type npyHeader struct {
	DType     tensor.DType
	BigEndian bool
	Fortran   bool
	Shape     tensor.Shape
}

const (
	maxNpyHeader = 1 << 16
	maxNpyRank   = 32
)

// readNpyHeader reads the header and leaves r at the first element. It returns the header's length in bytes.
func readNpyHeader(r io.Reader) (h npyHeader, length int64, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil || string(head[:6]) != "\x93NUMPY" {
		return h, 0, errors.New("not a .npy array")
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	length = 10
	switch head[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return h, 0, errors.New("truncated .npy header")
		}
		long := binary.LittleEndian.Uint32(head[8:])
		if long > maxNpyHeader {
			return h, 0, fmt.Errorf(".npy header of %d bytes", long)
		}
		n, length = int(long), 12
	default:
		return h, 0, fmt.Errorf(".npy version %d.%d is not supported; save with numpy.save", head[6], head[7])
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, errors.New("truncated .npy header")
	}
	if err := h.parse(string(text)); err != nil {
		return h, 0, fmt.Errorf(".npy header %.120q: %w", text, err)
	}
	return h, length + int64(n), nil
}

// parse reads the Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
func (h *npyHeader) parse(text string) error {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") {
		return errors.New("want a dictionary")
	}
	rest := strings.TrimSpace(text[1 : len(text)-1])
	seen := map[string]bool{}
	for rest != "" {
		key, after, err := cutQuoted(rest)
		if err != nil {
			return err
		}
		after, ok := strings.CutPrefix(strings.TrimSpace(after), ":")
		if !ok || seen[key] {
			return fmt.Errorf("malformed entry %q", key)
		}
		seen[key] = true
		if rest, err = h.entry(key, strings.TrimSpace(after)); err != nil {
			return err
		}
		if rest = strings.TrimSpace(rest); rest != "" {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return errors.New("missing comma")
			}
			rest = strings.TrimSpace(rest)
		}
	}
	if !seen["descr"] || !seen["fortran_order"] || !seen["shape"] {
		return errors.New("want descr, fortran_order and shape")
	}
	return h.Shape.Check(h.DType)
}

// entry parses one value and returns what follows it.
func (h *npyHeader) entry(key, text string) (rest string, err error) {
	switch key {
	case "descr":
		if strings.HasPrefix(text, "[") {
			return "", errors.New("structured arrays are not supported; save one array a field")
		}
		descr, rest, err := cutQuoted(text)
		if err != nil {
			return "", err
		}
		return rest, h.setType(descr)
	case "fortran_order":
		if rest, ok := strings.CutPrefix(text, "True"); ok {
			h.Fortran = true
			return rest, nil
		}
		if rest, ok := strings.CutPrefix(text, "False"); ok {
			return rest, nil
		}
		return "", errors.New("fortran_order is neither True nor False")
	case "shape":
		inner, rest, ok := strings.Cut(text, ")")
		inner, open := strings.CutPrefix(inner, "(")
		if !ok || !open {
			return "", errors.New("shape is not a tuple")
		}
		return rest, h.setShape(inner)
	}
	return "", fmt.Errorf("unknown entry %q", key)
}

func (h *npyHeader) setShape(inner string) error {
	h.Shape = tensor.Shape{}
	for part := range strings.SplitSeq(inner, ",") {
		part = strings.TrimSuffix(strings.TrimSpace(part), "L") // Python 2 wrote 3L
		if part == "" {
			continue
		}
		d, err := strconv.Atoi(part)
		if err != nil || d < 0 || len(h.Shape) == maxNpyRank {
			return fmt.Errorf("bad shape (%s)", inner)
		}
		h.Shape = append(h.Shape, d)
	}
	return nil
}

var npyTypes = map[string]tensor.DType{
	"f2": tensor.Float16, "f4": tensor.Float32, "f8": tensor.Float64,
	"i1": tensor.Int8, "i2": tensor.Int16, "i4": tensor.Int32, "i8": tensor.Int64,
	"u1": tensor.Uint8, "u2": tensor.Uint16, "u4": tensor.Uint32, "u8": tensor.Uint64, "b1": tensor.Bool,
}

func (h *npyHeader) setType(descr string) error {
	code := strings.TrimLeft(descr, "<>|=")
	dt, ok := npyTypes[code]
	if !ok || len(descr)-len(code) > 1 {
		return fmt.Errorf("element type %q is not supported; save float32, float64 or integers", descr)
	}
	h.DType, h.BigEndian = dt, descr[0] == '>'
	return nil
}

// cutQuoted splits a quoted Python string from what follows.
func cutQuoted(text string) (value, rest string, err error) {
	if len(text) > 0 && (text[0] == '\'' || text[0] == '"') {
		if value, rest, ok := strings.Cut(text[1:], text[:1]); ok {
			return value, rest, nil
		}
	}
	return "", "", errors.New("want a quoted string")
}

package data

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	Register("idx", Format{
		Doc:     "images and labels in MNIST's IDX files, gzipped or not",
		Example: "idx:train-images-idx3-ubyte.gz,train-labels-idx1-ubyte.gz?mean=0.1307&std=0.3081",
		Options: append([]Option{
			{"resize", "bring images to the model's size (0)"},
			{"max", "bytes to load into memory at most (8589934592, or half of what there is)"},
		}, imageOptions...),
		Open: openIDX,
	})
}

func openIDX(q Request) (Dataset, error) {
	imagePath, labelPath, two := strings.Cut(q.Path, ",")
	if !two {
		return nil, errors.New("want two files, idx:IMAGES,LABELS")
	}
	resize := ""
	if q.Options.Bool("resize", false) {
		resize = "stretch"
	}
	limit := budgetOf(q.Options)
	if _, _, err := augmentation(q); err != nil {
		return nil, err
	}
	images, err := readIDXFile(imagePath, limit)
	if err != nil {
		return nil, err
	}
	labels, err := readIDXFile(labelPath, limit)
	if err != nil {
		return nil, err
	}
	natural, err := images.frame()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", imagePath, err)
	}
	if len(labels.shape) != 1 || labels.shape[0] != images.shape[0] {
		return nil, fmt.Errorf("%s: want %d labels, one an image; the file holds %v", labelPath, images.shape[0], labels.shape)
	}
	classes := make([]int32, labels.shape[0])
	for i := range classes {
		classes[i] = int32(labels.data[i])
	}
	target, err := q.Want.imageInput("idx", natural)
	if err != nil {
		return nil, err
	}
	src, err := adaptPixels(&memoryPixels{natural, images.data}, natural, target.frame, resize)
	if err != nil {
		return nil, err
	}
	d, err := newImageSet(q, src, target, classes, nil)
	if err != nil {
		return nil, err
	}
	d.fit = resize
	return d, nil
}

// idxArray is an IDX file of bytes: four bytes 0, 0, type, rank, then big-endian dimensions, then the elements
// (http://yann.lecun.com/exdb/mnist/).
type idxArray struct {
	shape tensor.Shape
	data  []byte
}

// frame is the size of the images; those of three axes are grey.
func (a *idxArray) frame() (frame, error) {
	switch s := a.shape; {
	case len(s) == 3 && s[1] > 0 && s[2] > 0:
		return frame{1, s[1], s[2]}, nil
	case len(s) == 4 && s[1] > 0 && s[2] > 0 && (s[3] == 1 || s[3] == 3):
		return frame{s[3], s[1], s[2]}, nil
	}
	return frame{}, fmt.Errorf("want images [count,height,width]; the file holds %v", a.shape)
}

func readIDXFile(path string, limit budget) (*idxArray, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := readIDX(f, info.Size(), limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// readIDX reads a file of fileSize bytes; the header is not believed.
func readIDX(f io.Reader, fileSize int64, limit budget) (*idxArray, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	zipped := false
	if head, _ := r.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r, zipped = bufio.NewReaderSize(z, 1<<16), true
	}
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil || magic[0] != 0 || magic[1] != 0 {
		return nil, errors.New("not an IDX file")
	}
	if magic[2] != 8 {
		return nil, fmt.Errorf("IDX element type %#x is not supported, only bytes (0x8)", magic[2])
	}
	a := &idxArray{}
	for range magic[3] {
		var dim [4]byte
		if _, err := io.ReadFull(r, dim[:]); err != nil {
			return nil, errors.New("truncated IDX header")
		}
		a.shape = append(a.shape, int(binary.BigEndian.Uint32(dim[:])))
	}
	if err := a.shape.Check(tensor.Uint8); err != nil {
		return nil, err
	}
	size := int64(a.shape.Elems())
	if !zipped {
		fileSize = size // nothing is inflated, and what is missing is found out
	}
	if err := limit.check(size, fileSize); err != nil {
		return nil, fmt.Errorf("%v: %w", a.shape, err)
	}
	var err error
	if a.data, err = readExactly(r, size); err != nil {
		return nil, fmt.Errorf("%v promises %d bytes: %w", a.shape, size, err)
	}
	if _, err := r.ReadByte(); err != io.EOF { // also checks gzip's CRC
		if err == nil {
			err = fmt.Errorf("more bytes than %v promises", a.shape)
		}
		return nil, err
	}
	return a, nil
}

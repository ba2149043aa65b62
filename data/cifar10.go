package data

import (
	"errors"
	"fmt"
	"os"
)

func init() {
	Register("cifar10", Format{
		Doc:     "the binary version of CIFAR-10, a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin",
		Example: "cifar10:cifar-10-batches-bin?crop=4&flip=1",
		Options: append([]Option{
			{"split", "train or test (train when training, else test)"},
			{"resize", "bring images to the model's size (0)"},
		}, imageOptions...),
		Open: openCIFAR10,
	})
}

var (
	cifarFrame   = frame{3, 32, 32}
	cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
)

const cifarRecords = 10000 // in a file

func openCIFAR10(q Request) (Dataset, error) {
	split := q.Options.Choice("split", map[bool]string{true: "train", false: "test"}[q.Train], "train", "test")
	resize := ""
	if q.Options.Bool("resize", false) {
		resize = "stretch"
	}
	if _, _, err := augmentation(q); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(q.Path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := []string{"test_batch.bin"}
	if split == "train" {
		files = nil
		for i := 1; i <= 5; i++ {
			files = append(files, fmt.Sprintf("data_batch_%d.bin", i))
		}
	}
	images := &memoryPixels{frame: cifarFrame, data: make([]byte, 0, sizes(root, files))}
	var labels []int32
	for _, name := range files {
		if err := readCIFAR(root, name, images, &labels); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", q.Path, name, err)
		}
	}
	target, err := q.Want.imageInput("cifar10", cifarFrame)
	if err != nil {
		return nil, err
	}
	src, err := adaptPixels(images, cifarFrame, target.frame, resize)
	if err != nil {
		return nil, err
	}
	d, err := newImageSet(q, src, target, labels, cifarClasses)
	if err != nil {
		return nil, err
	}
	d.fit = resize
	return d, nil
}

// sizes is how many bytes the files hold, of what they may hold.
func sizes(root *os.Root, files []string) int64 {
	n := int64(0)
	for _, name := range files {
		if info, err := root.Stat(name); err == nil { // or else reading says so
			n += min(info.Size(), int64(cifarRecords*cifarFrame.bytes()))
		}
	}
	return n
}

// readCIFAR appends a file's records, each the class and 1024 bytes of red, green and blue
// (https://www.cs.toronto.edu/~kriz/cifar.html).
func readCIFAR(root *os.Root, name string, images *memoryPixels, labels *[]int32) error {
	f, err := openFile(root, name)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("not found; the folder must hold the binary version, data_batch_1.bin to 5 and test_batch.bin")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	record := 1 + cifarFrame.bytes()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	raw, err := readExactly(f, min(info.Size(), int64(cifarRecords*record)+1))
	if err != nil {
		return err
	}
	if len(raw) == 0 || len(raw)%record != 0 || len(raw) > cifarRecords*record {
		return fmt.Errorf("%d bytes are not up to %d records of %d", len(raw), cifarRecords, record)
	}
	const plane = 32 * 32
	for n := 0; n < len(raw); n += record {
		r := raw[n : n+record]
		if int(r[0]) >= len(cifarClasses) {
			return fmt.Errorf("record %d has class %d", n/record, r[0])
		}
		*labels = append(*labels, int32(r[0]))
		for k := 1; k <= plane; k++ {
			images.data = append(images.data, r[k], r[k+plane], r[k+2*plane])
		}
	}
	return nil
}

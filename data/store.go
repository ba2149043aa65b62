package data

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// openStore opens a directory or a tar. Of a gzipped tar the image files, still compressed, are held in memory.
func openStore(name string, limit budget) (store, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openDirectory(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	var magic [2]byte
	if _, err := io.ReadFull(f, magic[:]); err == nil && magic == [2]byte{0x1f, 0x8b} {
		defer f.Close()
		if _, err = f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		s, err := readTarGz(f, info.Size(), limit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return s, nil
	}
	s, err := indexTar(f, info.Size())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// directory is a tree of files. os.Root keeps links from leading out of it.
type directory struct {
	root  *os.Root
	names []string
}

func openDirectory(name string) (*directory, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	d := &directory{root: root}
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() || !isImage(p):
			return nil
		case len(d.names) == maxImageFiles:
			return fmt.Errorf("more than %d images", maxImageFiles)
		}
		d.names = append(d.names, p)
		return nil
	})
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

func (d *directory) Names() []string { return d.names }
func (d *directory) Close() error    { return d.root.Close() }

func (d *directory) File(i int) ([]byte, error) {
	f, err := openFile(d.root, d.names[i])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxImageFile {
		return nil, fmt.Errorf("an image file of %d bytes; at most %d are read", info.Size(), maxImageFile)
	}
	return readExactly(f, info.Size())
}

// archive is the image files of a tar, in memory or in a file.
type archive struct {
	names []string
	spans []span
	block []byte
	file  *os.File
}

type span struct{ start, length int64 }

func (a *archive) Names() []string { return a.names }

func (a *archive) Close() error {
	if a.file == nil {
		return nil
	}
	if err := a.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func (a *archive) File(i int) ([]byte, error) {
	s := a.spans[i]
	if a.file == nil {
		return a.block[s.start : s.start+s.length], nil
	}
	b := make([]byte, s.length)
	if _, err := a.file.ReadAt(b, s.start); err != nil {
		return nil, noEOF(err)
	}
	return b, nil
}

// readTarGz reads the image files of a gzipped tar one after another into one block.
func readTarGz(f io.Reader, size int64, most budget) (*archive, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<18))
	if err != nil {
		return nil, err
	}
	a := &archive{}
	// Headers and skipped files count against the limit too: a bomb need not hold images.
	limit := most.inflated(size)
	all := &io.LimitedReader{R: z, N: 2*min(limit, 1<<60) + 1<<20}
	r := tar.NewReader(all)
	err = a.index(r, func(h *tar.Header) (int64, error) {
		start := int64(len(a.block))
		if start+h.Size > limit {
			return 0, fmt.Errorf("images take more than max=%d bytes; unpack the archive, or raise ?max=", limit)
		}
		if need := start + h.Size; need > int64(cap(a.block)) {
			a.block = append(make([]byte, 0, 2*need), a.block...)
		}
		a.block = a.block[:start+h.Size]
		_, err := io.ReadFull(r, a.block[start:])
		return start, err
	})
	if err == nil { // gzip compares its checksum at its end, which lies behind the tar's
		if _, err = io.Copy(io.Discard, all); err != nil {
			err = fmt.Errorf("%w; the file is damaged", noEOF(err))
		}
	}
	if all.N <= 0 {
		return nil, fmt.Errorf("more than %d bytes come out of %d compressed ones, which looks like a bomb; unpack the archive, or raise ?max=", 2*limit, size)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// indexTar notes where the image files of a plain tar lie; they are read when needed.
func indexTar(f *os.File, size int64) (*archive, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	a := &archive{file: f}
	err := a.index(tar.NewReader(f), func(h *tar.Header) (int64, error) { return placeAt(f, h, size) })
	return a, err
}

// placeAt is where an entry's contents begin: the tar reader does not read ahead, so f stands at their first byte.
func placeAt(f io.Seeker, h *tar.Header, size int64) (int64, error) {
	start, err := f.Seek(0, io.SeekCurrent)
	if err == nil && h.Size > size-start {
		err = io.ErrUnexpectedEOF
	}
	return start, err
}

// index walks over a tar. Everything but regular image files is left out: links, devices, paths that lead upwards.
func (a *archive) index(r *tar.Reader, place func(*tar.Header) (int64, error)) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d images: %w", len(a.names), noEOF(err))
		}
		name := path.Clean(strings.TrimPrefix(h.Name, "./"))
		if h.Typeflag != tar.TypeReg || !isImage(name) || !fs.ValidPath(name) {
			continue
		}
		if h.Size > maxImageFile {
			return fmt.Errorf("%s: an image file of %d bytes; at most %d are read", name, h.Size, maxImageFile)
		}
		if len(a.names) == maxImageFiles {
			return fmt.Errorf("more than %d images", maxImageFiles)
		}
		start, err := place(h)
		if err != nil {
			return fmt.Errorf("%s: %w", name, noEOF(err))
		}
		a.names = append(a.names, name)
		a.spans = append(a.spans, span{start, h.Size})
	}
}

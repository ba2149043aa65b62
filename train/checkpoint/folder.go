package checkpoint

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// marker is the file that makes a folder a whole one: the SHA-256 of every other file, in the form that sha256sum checks.
const marker = "COMPLETE"

// content is a file of a folder, written by a function.
type content struct {
	name  string
	size  int64 // about, for the check of free space
	write func(io.Writer) error
}

func text(name string, b []byte) content {
	return content{name, int64(len(b)), func(w io.Writer) error { _, err := w.Write(b); return err }}
}

func tensors(name string, list []Named, meta map[string]string) content {
	return content{name, encodedSize(list), func(w io.Writer) error { return WriteTensors(w, list, meta) }}
}

// Suffixes of folders in transition. What ends in temporary is never read; what ends in replaced is, while nothing has
// taken its name.
const (
	temporary = ".tmp"
	replaced  = ".old"
)

// writeFolder makes the folder path of the given files such that, whatever happens, path is the folder that was there
// before, or the new one as a whole: everything is on disk under another name before it takes this one.
func writeFolder(fs FS, path string, files []content) error {
	parent := filepath.Dir(path)
	if err := fs.MkdirAll(parent); err != nil {
		return err
	}
	if err := room(fs, parent, files); err != nil {
		return err
	}
	tmp := path + temporary
	if err := fs.RemoveAll(tmp); err != nil {
		return err
	}
	if err := fs.MkdirAll(tmp); err != nil {
		return err
	}
	err := fill(fs, tmp, files)
	if err == nil {
		err = exchange(fs, tmp, path)
	}
	if err != nil {
		fs.RemoveAll(tmp) // room for what is saved next; the first error is the one to tell
		return err
	}
	return fs.SyncDir(parent)
}

// room checks that there is space for the files and some more for others who write to the same disk.
func room(fs FS, dir string, files []content) error {
	const reserve = 1 << 20
	need := int64(reserve)
	for _, f := range files {
		need += f.size
	}
	have, err := fs.Free(dir)
	if err != nil || have < 0 {
		return err
	}
	if have < need {
		return fmt.Errorf("%s: %d bytes are free, a checkpoint takes %d: %w", dir, have, need, syscall.ENOSPC)
	}
	return nil
}

func fill(fs FS, dir string, files []content) error {
	var sums bytes.Buffer
	for _, f := range files {
		sum, err := writeFile(fs, filepath.Join(dir, f.name), f.write)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, f.name)
	}
	if _, err := writeFile(fs, filepath.Join(dir, marker), text(marker, sums.Bytes()).write); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// writeFile writes a file, onto the disk, and returns the hash of what was to be written.
func writeFile(fs FS, path string, write func(io.Writer) error) (sum []byte, err error) {
	f, err := fs.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hash := sha256.New()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(io.MultiWriter(w, hash)); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return hash.Sum(nil), f.Sync()
}

// exchange gives tmp the name path, which a folder may have: a folder cannot be replaced in one operation.
func exchange(fs FS, tmp, path string) error {
	if _, err := os.Lstat(path); err != nil {
		return fs.Rename(tmp, path)
	}
	if err := fs.RemoveAll(path + replaced); err != nil {
		return err
	}
	if err := fs.Rename(path, path+replaced); err != nil {
		return err
	}
	if err := fs.Rename(tmp, path); err != nil {
		return errors.Join(err, fs.Rename(path+replaced, path))
	}
	return fs.RemoveAll(path + replaced)
}

// verifyFolder says what is wrong with a folder that should hold the named files, in this order.
func verifyFolder(path string, names []string) error {
	var want bytes.Buffer
	for _, name := range names {
		sum, err := hashFile(filepath.Join(path, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&want, "%x  %s\n", sum, name)
	}
	have, err := readSmall(filepath.Join(path, marker))
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want.Bytes()) {
		return fmt.Errorf("%s: the checksums in %s are not those of the files", path, marker)
	}
	return nil
}

func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// readSmall reads a file that is no tensor and so cannot be large.
func readSmall(path string) ([]byte, error) {
	const limit = 64 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("%s: larger than %d bytes", path, limit)
	}
	return b, err
}

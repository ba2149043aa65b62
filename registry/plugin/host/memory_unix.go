//go:build unix && !linux

package host

import "os"

// openMemory makes a file that has lost its name.
func openMemory() (*os.File, error) {
	f, err := os.CreateTemp("", "onnxtrain-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// punch zeroes a part of the file, whose memory stays.
func punch(f *os.File, offset, size int64) {
	zeros := make([]byte, min(size, 1<<20))
	for end := offset + size; offset < end; offset += int64(len(zeros)) {
		_, _ = f.WriteAt(zeros[:min(int64(len(zeros)), end-offset)], offset)
	}
}

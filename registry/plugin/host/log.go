package host

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logger is where messages of plugins go.
var logger = struct {
	sync.Mutex
	hclog.Logger
}{Logger: hclog.NewNullLogger()}

// SetLogger says where what plugins write to standard error goes.
func SetLogger(l hclog.Logger) {
	logger.Lock()
	defer logger.Unlock()
	logger.Logger = l
}

func currentLogger() hclog.Logger {
	logger.Lock()
	defer logger.Unlock()
	return logger.Logger
}

// What a plugin may write into the log: logBurst bytes at once, and logRate bytes a second in the long run.
const (
	logBurst = 64 << 10
	logRate  = 4 << 10
	tailSize = 1 << 10
)

// boundedLog reads a plugin's standard error. It leaves out what is too much, takes control characters away, which could
// deceive whoever reads the log in a terminal, and remembers the end.
type boundedLog struct {
	from *os.File

	pending []byte  // to be read
	left    float64 // of the burst
	at      time.Time
	dropped int
	midLine bool // whether what was passed on last has no end of line yet

	mu   sync.Mutex
	tail []byte
}

func newBoundedLog(from *os.File) *boundedLog {
	return &boundedLog{from: from, left: logBurst, at: time.Now()}
}

// Read implements io.Reader.
func (l *boundedLog) Read(p []byte) (int, error) {
	for len(l.pending) == 0 {
		buffer := make([]byte, 4096)
		n, err := l.from.Read(buffer)
		if n > 0 {
			l.take(buffer[:n], time.Now())
		}
		if err != nil {
			l.tellDropped()
		}
		if err != nil && len(l.pending) == 0 {
			return 0, io.EOF // that of a closed file says nothing to the reader of a log
		}
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	return n, nil
}

func (l *boundedLog) take(b []byte, now time.Time) {
	for i, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			b[i] = ' '
		}
	}
	l.mu.Lock()
	l.tail = append(l.tail, b...)
	l.tail = l.tail[max(0, len(l.tail)-tailSize):]
	l.mu.Unlock()

	l.left = min(logBurst, l.left+now.Sub(l.at).Seconds()*logRate)
	l.at = now
	if float64(len(b)) > l.left || l.dropped > 0 && l.left < logRate { // a second's worth, or notes of what is left out would be most of it
		l.dropped += len(b)
		return
	}
	l.tellDropped()
	l.left -= float64(len(b))
	l.midLine = b[len(b)-1] != '\n'
	l.pending = append(l.pending, b...)
}

func (l *boundedLog) tellDropped() {
	if l.dropped == 0 {
		return
	}
	if l.midLine {
		l.pending = append(l.pending, '\n')
	}
	l.pending = fmt.Appendf(l.pending, "[WARN] it writes too much: %d bytes are left out\n", l.dropped)
	l.dropped = 0
}

// last is the last line with something on it, complete once everything was read.
func (l *boundedLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := bytes.TrimSpace(l.tail)
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	return string(text[:min(len(text), 300)])
}

// Close implements io.Closer.
func (l *boundedLog) Close() error { return l.from.Close() }

// firstLine reads the line that a plugin begins with, of bounded length, and throws away what it writes afterwards.
type firstLine struct {
	from *os.File
	read int
	over bool
}

const maxFirstLine = 1 << 10

// Read implements io.Reader.
func (f *firstLine) Read(p []byte) (int, error) {
	if f.over {
		_, _ = io.Copy(io.Discard, f.from)
		return 0, io.EOF
	}
	n, err := f.from.Read(p[:min(len(p), maxFirstLine)])
	f.read += n
	if end := bytes.IndexByte(p[:n], '\n'); end >= 0 || f.read >= maxFirstLine {
		f.over = true
		if end < 0 {
			end = n - 1
			p[end] = '\n'
		}
		n = end + 1
	}
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer.
func (f *firstLine) Close() error { return f.from.Close() }

// quiet keeps what go-plugin says about its own work to those who debug: the errors of this package tell it better.
type quiet struct{ hclog.Logger }

func (q quiet) Info(msg string, args ...any)  { q.Debug(msg, args...) }
func (q quiet) Warn(msg string, args ...any)  { q.Debug(msg, args...) }
func (q quiet) Error(msg string, args ...any) { q.Debug(msg, args...) }

// Named is the logger of what the plugin itself writes.
func (q quiet) Named(name string) hclog.Logger { return q.Logger.Named(name) }

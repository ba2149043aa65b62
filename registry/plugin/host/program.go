package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"sync"
	"time"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
)

// What a plugin may take if nothing else is said.
const (
	defaultTimeout = time.Minute
	defaultMemory  = 4 << 30
)

// program is a plugin's file. One process serves all optimizers that are made of it and is started again when it has died.
type program struct {
	path   string
	digest string
	about  wire.Answer // to describe

	mu      sync.Mutex
	mem     *shared
	run     *process // nil: not running
	timeout time.Duration
	memory  int64
	left    int // restarts

	params map[string]*param
	stages map[int]*stage // by a parameter's ID

	// What run has been told.
	settings []string // by number less one
	next     int
	pinned   map[int]bool    // numbers that the update at hand uses
	told     map[[2]int]bool // slots of settings and parameter
	mapped   int64
}

// label is what a user knows the plugin by.
func (p *program) label() string {
	if p.about.Name == "" {
		return p.path
	}
	return fmt.Sprintf("%s (%s)", p.about.Name, p.path)
}

func (p *program) fail(err error) error {
	if err == nil {
		return nil
	}
	return &registry.PluginError{Plugin: p.label(), Err: err}
}

// newProgram starts a file and asks what it is.
func newProgram(path string) (*program, error) {
	p := &program{path: path, timeout: defaultTimeout, memory: defaultMemory, params: map[string]*param{}, stages: map[int]*stage{}}
	mem, err := newShared()
	if err != nil {
		return nil, p.fail(err)
	}
	p.mem = mem
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ensure(); err != nil {
		return nil, errors.Join(err, mem.close())
	}
	return p, nil
}

// ensure starts the process unless it runs. That it ended by itself since the last call is an error once.
func (p *program) ensure() error {
	if p.run != nil && p.run.alive() {
		return nil
	}
	if p.run != nil {
		p.run.end()
		ended := p.run.whyEnded("between two calls")
		p.run = nil
		return p.fail(ended)
	}
	if err := p.begin(); err != nil {
		return err
	}
	var about wire.Answer
	if err := p.call(&wire.Request{Call: "describe", Threads: runtime.GOMAXPROCS(0)}, &about); err != nil {
		return p.refused(err)
	}
	if p.about.Name != "" && !reflect.DeepEqual(about, p.about) {
		return p.reject(fmt.Errorf("it describes itself otherwise than before"))
	}
	p.about = about
	return nil
}

// begin starts the process, of the same file as before.
func (p *program) begin() error {
	info, err := os.Stat(p.path)
	if err != nil {
		return p.fail(err)
	}
	if !info.Mode().IsRegular() {
		return p.fail(fmt.Errorf("it is no regular file"))
	}
	digest, err := digestOf(p.path)
	if err != nil {
		return p.fail(err)
	}
	if p.digest != "" && digest != p.digest {
		return p.fail(fmt.Errorf("its file changed since this run began"))
	}
	p.digest = digest
	if p.run, err = start(p.path, p.mem.file, p.memory, currentLogger()); err != nil {
		return p.fail(err)
	}
	p.settings, p.next, p.pinned, p.told, p.mapped = nil, 0, map[int]bool{}, map[[2]int]bool{}, 0
	return nil
}

// reject ends the process for what it answered.
func (p *program) reject(err error) error {
	p.run.stop()
	p.run = nil
	return p.fail(err)
}

// refusal is an error that a plugin gives as its answer.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// refused makes the refusal of what must not be refused the plugin's failure.
func (p *program) refused(err error) error {
	var no *refusal
	if errors.As(err, &no) {
		return p.fail(err)
	}
	return err
}

// mayRestart uses up a restart, if there is one left for the error.
func (p *program) mayRestart(err error) bool {
	var failed *registry.PluginError
	var no *refusal
	if p.left == 0 || !errors.As(err, &failed) || errors.As(err, &no) {
		return false
	}
	p.left--
	if p.run != nil {
		p.run.stop()
		p.run = nil
	}
	currentLogger().Warn("starting it again", "after", err, "restarts left", p.left)
	return true
}

// persist does something with the process running, again after a restart while there are restarts left.
func (p *program) persist(do func() error) error {
	for {
		clear(p.pinned)
		err := p.ensure()
		if err == nil {
			err = do()
		}
		if err == nil || !p.mayRestart(err) {
			return err
		}
	}
}

// digestOf is the SHA-256 of a file in hexadecimal digits.
func digestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// call asks the running process. What it refuses is a refusal, all else a PluginError after which it does not run.
func (p *program) call(r *wire.Request, a *wire.Answer) error {
	if err := p.run.call(r, p.timeout, a); err != nil {
		p.run = nil
		return p.fail(err)
	}
	if a.Error != "" {
		return &refusal{clean(a.Error, maxText)}
	}
	return nil
}

// limit sets what the program may take.
func (p *program) limit(l registry.Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timeout, p.memory, p.left = defaultTimeout, defaultMemory, l.Restarts
	if l.Seconds > 0 {
		p.timeout = time.Duration(l.Seconds * float64(time.Second))
	}
	if l.Memory > 0 {
		p.memory = l.Memory
	}
	if p.run != nil && p.run.alive() {
		p.run.limit.Store(p.memory)
		// A process that has ended is found out by the next call.
		_ = limitMemory(p.run.cmd.Process.Pid, p.memory)
	}
}

// close ends the process and gives the memory back. Tensors in it are gone.
func (p *program) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		p.run.stop()
	}
	return p.mem.close()
}

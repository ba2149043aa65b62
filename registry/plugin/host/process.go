package host

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	goplugrunner "github.com/hashicorp/go-plugin/runner"

	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
)

const (
	startTimeout  = 30 * time.Second
	endTimeout    = time.Second     // from the end of its requests to a kill
	exitTimeout   = time.Second / 4 // from the end of its answers to its own
	watchInterval = 50 * time.Millisecond
	maxAnswer     = 16 << 20
)

// process is a plugin that runs.
type process struct {
	*runner
	client  *goplugin.Client
	in      *bufio.Reader // answers
	limit   atomic.Int64  // of its own memory
	tooMuch atomic.Int64  // what it had when it was ended for that, 0 if it was not
}

// start runs a file and shakes hands.
func start(path string, memory *os.File, limit int64, log hclog.Logger) (*process, error) {
	p := &process{}
	p.limit.Store(limit)
	var failed error
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: wire.Version, MagicCookieKey: wire.Cookie, MagicCookieValue: wire.CookieValue},
		Plugins:          goplugin.PluginSet{},
		AllowedProtocols: []goplugin.Protocol{wire.Name},
		StartTimeout:     startTimeout,
		Logger:           quiet{log},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (goplugrunner.Runner, error) {
			os.Remove(sockets) // go-plugin's folder for sockets, which there are none of
			p.runner, failed = newRunner(path, cmd.Env, memory)
			return p.runner, failed
		},
	})
	shaken := make(chan error)
	go func() {
		// The system ends the plugin with the thread that started it: this one lives as long.
		runtime.LockOSThread()
		_, err := p.client.Start()
		shaken <- err
		if p.runner != nil {
			<-p.done
		}
	}()
	err := <-shaken
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		p.end()
		return nil, p.handshakeError(err)
	}
	p.in = bufio.NewReaderSize(p.answers, 1<<16)
	if err := limitMemory(p.cmd.Process.Pid, limit); err != nil && p.alive() {
		p.end()
		return nil, err
	}
	go p.watch()
	return p, nil
}

// handshakeError says in the terms of this protocol what go-plugin found.
func (p *process) handshakeError(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "incompatible API version"), strings.Contains(text, "unsupported plugin protocol"),
		strings.Contains(text, "incompatible core API"):
		return fmt.Errorf("it speaks another protocol than this onnxtrain, which takes %q: %v", wire.Handshake, strings.SplitN(text, "\n", 2)[0])
	case strings.Contains(text, "timeout"):
		return fmt.Errorf("it did not begin with the line %q within %v%s", wire.Handshake, startTimeout, p.lastWords())
	}
	line := strings.TrimPrefix(strings.SplitN(text, "\n", 2)[0], "Unrecognized remote plugin message: ")
	if line == "" || strings.HasPrefix(line, "plugin exited") {
		return fmt.Errorf("it ended (%s) before it said that it is a plugin%s", p.ended(), p.lastWords())
	}
	return fmt.Errorf("it is no plugin: it began with %.80q, not with the line %q%s", line, wire.Handshake, p.lastWords())
}

func (p *process) lastWords() string {
	if s := p.log.last(); s != "" {
		return fmt.Sprintf("; it last wrote %q", s)
	}
	return ""
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// watch ends a process that takes too much memory.
func (p *process) watch() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
		}
		if n := ownMemory(p.cmd.Process.Pid); n > p.limit.Load() {
			p.tooMuch.Store(n)
			p.kill()
			return
		}
	}
}

// stop ends the process: kindly, by ending its requests, if it heeds that.
func (p *process) stop() {
	p.requests.Close()
	select {
	case <-p.done:
	case <-time.After(endTimeout):
	}
	p.end()
}

// end kills the process, and waits for that and for the end of its log.
func (p *process) end() {
	p.kill()
	<-p.done
	p.client.Kill()
}

// whyEnded says why a process has ended.
func (p *process) whyEnded(when string) error {
	if n := p.tooMuch.Load(); n > 0 {
		return fmt.Errorf("it took %d MiB of memory, its limit is %d (--plugin-memory)", n>>20, p.limit.Load()>>20)
	}
	return fmt.Errorf("it ended (%s) %s%s", p.ended(), when, p.lastWords())
}

// call sends a request and reads its answer. An error means that the process has been ended; a refusal is in the answer.
func (p *process) call(request *wire.Request, timeout time.Duration, answer *wire.Answer) error {
	err := p.exchange(request, time.Now().Add(timeout), answer)
	if err == nil {
		return nil
	}
	died := errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE)
	if died {
		select { // its exit status says more
		case <-p.done:
		case <-time.After(exitTimeout):
		}
	}
	lived := p.alive()
	p.end()
	switch {
	case p.tooMuch.Load() > 0 || died && !lived:
		return p.whyEnded(fmt.Sprintf("during %q", request.Call))
	case died:
		return fmt.Errorf("it closed its pipes during %q%s", request.Call, p.lastWords())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it gave no answer to %q within %v (--plugin-timeout)%s", request.Call, timeout, p.lastWords())
	}
	return fmt.Errorf("its answer to %q %w", request.Call, err)
}

func (p *process) exchange(request *wire.Request, until time.Time, answer *wire.Answer) error {
	line, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("cannot be asked for: %w", err)
	}
	if err := errors.Join(p.requests.SetWriteDeadline(until), p.answers.SetReadDeadline(until)); err != nil {
		return err
	}
	if _, err := p.requests.Write(append(line, '\n')); err != nil {
		return err
	}
	if line, err = readLine(p.in); err != nil {
		return err
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("is %.80q: %w", line, err)
	}
	return nil
}

// readLine reads a line of bounded length.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case len(line) > maxAnswer:
			return nil, fmt.Errorf("is longer than %d bytes", maxAnswer)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

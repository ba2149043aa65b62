package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// runner starts a plugin for go-plugin: in a process group of its own, with no descriptors but those of the protocol.
type runner struct {
	path string
	cmd  *exec.Cmd
	out  *firstLine
	log  *boundedLog

	requests, answers *os.File // this side's ends
	guard             *guard
	done              chan struct{} // closed when the process has ended
	state             *os.ProcessState

	mu     sync.Mutex
	reaped bool // its number may be another's
}

// newRunner prepares a process. memory is the file that it maps.
func newRunner(path string, env []string, memory *os.File) (*runner, error) {
	r := &runner{path: path, done: make(chan struct{})}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	pipe := func(read bool) (mine, other *os.File, err error) {
		in, out, err := os.Pipe()
		if read {
			mine, other = in, out
		} else {
			mine, other = out, in
		}
		theirs = append(theirs, other)
		return mine, other, err
	}
	out, outEnd, err1 := pipe(true)
	log, logEnd, err2 := pipe(true)
	requests, requestsEnd, err3 := pipe(false)
	answers, answersEnd, err4 := pipe(true)
	r.out, r.log, r.requests, r.answers = &firstLine{from: out}, newBoundedLog(log), requests, answers
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		r.closePipes()
		return nil, err
	}
	r.cmd = &exec.Cmd{Path: path, Args: []string{path}, Env: env, Stdout: outEnd, Stderr: logEnd,
		ExtraFiles: []*os.File{requestsEnd, answersEnd, memory}, SysProcAttr: processAttributes()}
	keepDescriptors()
	r.guard = newGuard(path)
	if err := r.cmd.Start(); err != nil {
		r.guard.release()
		r.closePipes()
		return nil, startError(path, err)
	}
	r.guard.watch(r.cmd.Process.Pid)
	go r.reap()
	return r, nil
}

// startError says why a file does not start.
func startError(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("it is not executable; chmod +x %s", path)
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("it is no program for this machine; a script begins with a line such as #!/usr/bin/env python3")
	case errors.Is(err, os.ErrNotExist):
		if _, found := os.Stat(path); found == nil {
			return errors.New("the interpreter that its first line names is not there")
		}
	}
	return err
}

// reap waits for the process and ends what it left in its group. Its pipes are closed a little later, if others hold on to
// them, so that nothing waits for ever.
func (r *runner) reap() {
	waitForEnd(r.cmd.Process.Pid)
	r.kill()
	r.guard.release()
	r.mu.Lock()
	r.state, _ = r.cmd.Process.Wait()
	r.reaped = true
	r.mu.Unlock()
	close(r.done)
	time.Sleep(time.Second / 5)
	r.closePipes()
}

func (r *runner) closePipes() {
	for _, f := range []*os.File{r.out.from, r.log.from, r.requests, r.answers} {
		if f != nil {
			f.Close()
		}
	}
}

// ended says how the process ended.
func (r *runner) ended() string {
	if r.state == nil {
		return "no exit status"
	}
	return r.state.String()
}

// kill ends the process and all that it started in its group.
func (r *runner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reaped {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// The methods below are go-plugin's runner.Runner. The process runs by the time that it sees it.

func (r *runner) Start(context.Context) error { return nil }

func (r *runner) Wait(context.Context) error {
	<-r.done
	if r.state == nil || !r.state.Success() {
		return errors.New(r.ended())
	}
	return nil
}

func (r *runner) Kill(context.Context) error {
	r.kill()
	<-r.done
	return nil
}

func (r *runner) Stdout() io.ReadCloser           { return r.out }
func (r *runner) Stderr() io.ReadCloser           { return r.log }
func (r *runner) Name() string                    { return r.path }
func (r *runner) ID() string                      { return strconv.Itoa(r.cmd.Process.Pid) }
func (r *runner) Diagnose(context.Context) string { return "" }

func (r *runner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (r *runner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

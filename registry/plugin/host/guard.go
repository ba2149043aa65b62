package host

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guard is a shell that ends the process group of a plugin if this process ends without having done so: nothing else reaches
// what a plugin has started when this process is killed.
type guard struct {
	cmd *exec.Cmd
	say io.WriteCloser
}

// guardScript reads the number of the group, none if there is nothing to guard, and then a line that says that it may go.
const guardScript = `read -r group && [ "$group" ] && { read -r _ || kill -s KILL -- "-$group"; }`

// newGuard starts the guard of the program in a file, before the program itself. Where there is no shell the plugin goes without.
func newGuard(path string) *guard {
	cmd := &exec.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", guardScript, "guard of " + path}, Dir: "/", Env: []string{},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	say, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return nil
	}
	return &guard{cmd, say}
}

func (g *guard) watch(group int) {
	if g != nil {
		_, _ = fmt.Fprintln(g.say, group) // a guard that somebody has ended watches over nothing
	}
}

// release ends the guard.
func (g *guard) release() {
	if g != nil {
		_, _ = fmt.Fprintln(g.say)
		g.say.Close()
		_ = g.cmd.Wait()
	}
}

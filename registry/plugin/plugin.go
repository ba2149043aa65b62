// Package plugin makes a program of an optimizer, which onnxtrain runs beside itself: all that the author of one in Go imports
// besides registry and tensor.
//
//	func main() { plugin.Serve("signum", "1.0") }
//
// serves the optimizer that registry.Register added as signum. The program is put into the folder of plugins with `onnxtrain
// plugins install FILE`, or used once with --plugin FILE. Package host runs it.
package plugin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Serve makes the updates that onnxtrain asks for, by the optimizer registered under name, and does not return. version is what
// checkpoints note down. Standard output belongs to the protocol; what goes to standard error shows in onnxtrain's log.
func Serve(name, version string) {
	if os.Getenv(wire.Cookie) != wire.CookieValue {
		fmt.Fprintf(os.Stderr, "This is %s %s, an optimizer for onnxtrain: onnxtrain --plugin %s --opt %s\n", name, version, os.Args[0], name)
		os.Exit(2)
	}
	fmt.Println(wire.Handshake)
	s := &server{name: name, version: version, mem: memory{file: os.NewFile(wire.Memory, "memory")},
		settings: map[int]registry.Optimizer{}, params: map[int]registry.ParamInfo{}, slots: map[[2]int][]registry.Slot{}}
	err := s.serve(os.NewFile(wire.Requests, "requests"), os.NewFile(wire.Answers, "answers"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "[ERROR]", err)
		os.Exit(1)
	}
	os.Exit(0) // onnxtrain has ended
}

// server is an optimizer at work. What it knows it was told by the host, which tells it again after a restart.
type server struct {
	name, version string
	mem           memory
	pool          *par.Pool
	settings      map[int]registry.Optimizer
	params        map[int]registry.ParamInfo
	slots         map[[2]int][]registry.Slot // by settings and parameter
}

// serve answers requests until they end.
func (s *server) serve(requests io.Reader, answers io.Writer) error {
	in := bufio.NewReaderSize(requests, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		out, err := json.Marshal(s.answer(line))
		if err != nil {
			return err
		}
		if _, err := answers.Write(append(out, '\n')); err != nil {
			return err
		}
	}
}

// answer makes of errors and panics a refusal, which leaves the program alive.
func (s *server) answer(line []byte) (a wire.Answer) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "[ERROR] panic: %v\n%s\n", v, debug.Stack())
			a = wire.Answer{Error: fmt.Sprintf("panic: %v", v)}
		}
	}()
	var r wire.Request
	err := json.Unmarshal(line, &r)
	if err == nil {
		a, err = s.call(&r)
	}
	if err != nil {
		return wire.Answer{Error: err.Error()}
	}
	return a
}

func (s *server) call(r *wire.Request) (a wire.Answer, err error) {
	switch r.Call {
	case "describe":
		return describe(s.name, s.version)
	case "settings":
		e, err := registry.Lookup(s.name)
		if err != nil {
			return a, err
		}
		opt, _, err := e.New(r.Hypers)
		if err != nil {
			return a, err
		}
		for key := range s.slots {
			if key[0] == r.ID { // of settings that had the number before
				delete(s.slots, key)
			}
		}
		s.settings[r.ID] = opt
		return a, nil
	case "slots":
		return s.declare(r)
	case "memory":
		return a, s.mem.grow(r.Size)
	case "update":
		return s.update(r)
	}
	return a, fmt.Errorf("there is no call %q in protocol %d", r.Call, wire.Version)
}

// declare answers what state parameters need.
func (s *server) declare(r *wire.Request) (a wire.Answer, err error) {
	opt := s.settings[r.Settings]
	if opt == nil {
		return a, fmt.Errorf("settings %d are not known", r.Settings)
	}
	var infos []registry.ParamInfo
	for _, p := range r.Params {
		infos = append(infos, p.Info())
	}
	if c, ok := opt.(registry.Checker); ok {
		if err := c.CheckParams(infos); err != nil {
			return a, err
		}
	}
	for i, p := range r.Params {
		slots := opt.Slots(infos[i])
		s.params[p.ID], s.slots[[2]int{r.Settings, p.ID}] = infos[i], slots
		list := []wire.Slot{}
		for _, slot := range slots {
			init, err := initial(slot)
			if err != nil {
				return a, fmt.Errorf("parameter %q: slot %q %w", p.Name, slot.Name, err)
			}
			list = append(list, wire.Slot{Name: slot.Name, Shape: slot.Shape, DType: slot.DType.String(), Init: init})
		}
		a.Slots = append(a.Slots, list)
	}
	return a, nil
}

// initial is what Init makes of a slot, in words.
func initial(s registry.Slot) (wire.Scalar, error) {
	if s.Init == nil || s.Shape.Elems() == 0 {
		return "", nil
	}
	t := tensor.New(s.DType, s.Shape...)
	s.Init(t)
	x := t.Float64s()
	same, identity := true, len(s.Shape) == 2
	for i, v := range x {
		same = same && v == x[0]
		diagonal := 0.0
		if identity && i%s.Shape[1] == i/s.Shape[1] {
			diagonal = 1
		}
		identity = identity && v == diagonal
	}
	switch {
	case same:
		return wire.Scalar(fmt.Sprint(x[0])), nil
	case identity:
		return "identity", nil
	}
	return "", fmt.Errorf("begins as neither one number nor the identity, which is all that a plugin may ask for")
}

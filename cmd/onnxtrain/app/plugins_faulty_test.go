//go:build unix

package app

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// The tests' binary is also the plugin that the tests run, by a script that sets what it is to do wrong.
const (
	faultEnv = "ONNXTRAIN_TEST_FAULT" // KIND@N: in the N-th update
	armedEnv = "ONNXTRAIN_TEST_ARMED" // a file, without which nothing goes wrong, so that it does once
)

func init() {
	if os.Getenv("ONNXTRAIN_PLUGIN") == "" || os.Getenv(armedEnv) == "" {
		return
	}
	registerFaulty("faulty")
	name, version := "faulty", "1.0"
	switch fault, _, _ := strings.Cut(os.Getenv(faultEnv), "@"); fault {
	case "protocol":
		fmt.Println("1|2|unix|pipes|onnxtrain")
		time.Sleep(time.Minute)
	case "netrpc":
		fmt.Println("1|1|unix|/tmp/socket|netrpc")
		time.Sleep(time.Minute)
	case "chatter":
		fmt.Println("hello")
		time.Sleep(time.Minute)
	case "mute":
		os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20))
	case "early":
		fmt.Fprintln(os.Stderr, "no such library")
		os.Exit(4)
	case "spy":
		spy(os.Getenv(armedEnv))
	case "taken":
		name = "adamw "
		registerFaulty(name)
	case "twin":
		name = "adamw"
	case "rename":
		if restarted() {
			version = "2.0"
		}
	}
	plugin.Serve(name, version)
}

func registerFaulty(name string) {
	info := registry.Info{Name: name, Doc: "momentum", Paper: "none", Formula: "w <- w - lr*m"}
	registry.Register(info, faultySettings{LR: 0.1, Momentum: 0.9}, func(s faultySettings) registry.Optimizer { return &faulty{s} })
}

// spy writes down which descriptors are open, by number and kind, and the process group.
func spy(to string) {
	var b strings.Builder
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/sys/") { // the Go runtime's own
			kind, _, _ := strings.Cut(target, ":")
			fmt.Fprintln(&b, e.Name(), kind)
		}
	}
	fmt.Fprintln(&b, "leader", os.Getpid() == syscall.Getpgrp())
	os.WriteFile(to, []byte(b.String()), 0o600)
}

type faultySettings struct {
	LR          float64 `name:"lr" range:"[0,inf)" doc:"step size"`
	Momentum    float64 `name:"momentum" range:"[0,1)" doc:"memory of the gradient"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" doc:"decay of the weights"`
}

// faulty is momentum that goes wrong.
type faulty struct{ faultySettings }

func (o *faulty) Slots(p registry.ParamInfo) []registry.Slot {
	s := registry.Slot{Name: "m", Shape: p.Shape, DType: p.DType}
	switch os.Getenv(faultEnv) {
	case "shape@0":
		s.Shape = tensor.Shape{-3, 4}
	case "rank@0":
		s.Shape = make(tensor.Shape, 40)
	case "huge@0":
		s.Shape = tensor.Shape{1 << 40, 1 << 40}
	case "twice@0":
		return []registry.Slot{s, s}
	case "large@0":
		s.Shape = tensor.Shape{1 << 45}
	case "reshape@10":
		if restarted() {
			s.Shape = tensor.Shape{3}
		}
	}
	return []registry.Slot{s}
}

// restarted reports whether what was to go wrong has.
func restarted() bool {
	_, err := os.Stat(os.Getenv(armedEnv))
	return err != nil
}

var faultyUpdates atomic.Int64

func (o *faulty) Update(c registry.Context, p *registry.Param) error {
	w, g, m := p.Value.F32(), p.Grad.F32(), p.Slots[0].F32()
	for i := range w {
		m[i] = float32(o.Momentum)*m[i] + g[i]
		w[i] -= float32(c.LR) * (m[i] + float32(c.WeightDecay)*w[i])
	}
	fault, at, _ := strings.Cut(os.Getenv(faultEnv), "@")
	if n, _ := strconv.Atoi(at); int(faultyUpdates.Add(1)) != n || os.Remove(os.Getenv(armedEnv)) != nil {
		return nil
	}
	if fault != "flood" && fault != "idle" {
		for i := range w[:len(w)/2+1] {
			w[i], m[i] = 123, -321 // which the host must take back
		}
	}
	return o.fail(fault, w, m)
}

func (o *faulty) fail(fault string, w, m []float32) error {
	switch fault {
	case "crash", "reshape", "rename":
		os.Exit(3)
	case "signal":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Minute)
	case "hang":
		time.Sleep(time.Hour)
	case "nan":
		w[len(w)-1] = float32(math.NaN())
	case "nanstate":
		m[0] = float32(math.Inf(1))
	case "refuse":
		return fmt.Errorf("no \x1b[31mmore\a")
	case "panic":
		panic("a bug")
	case "garbage":
		syscall.Write(4, []byte("yes, of course\n"))
	case "count":
		syscall.Write(4, []byte(`{"updated":77}`+"\n"))
	case "endless":
		syscall.Write(4, bytes.Repeat([]byte("x"), 20<<20))
	case "closed":
		syscall.Close(4)
		time.Sleep(time.Hour)
	case "leak":
		for kept := [][]byte{}; ; time.Sleep(time.Millisecond) {
			block := make([]byte, 8<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			kept = append(kept, block)
		}
	case "flood":
		for range 1 << 16 {
			fmt.Fprintln(os.Stderr, "[ERROR]", strings.Repeat("spam ", 30))
		}
	case "family":
		exec.Command("sleep", "1000").Start()
		os.Exit(3)
	case "parent":
		exec.Command("sleep", "1000").Start()
		time.Sleep(time.Hour)
	case "idle":
		go func() { time.Sleep(3 * time.Millisecond); os.Exit(9) }()
	}
	return nil
}

// faultyPlugin writes the script of a plugin called name.
func faultyPlugin(t *testing.T, dir, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' '%s'\n", self, path)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

//go:build unix

package train

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

var (
	crashKills = flag.Int("crash.kills", 4, "times that TestKilledInEveryPhase kills")
	crashSeed  = flag.Uint64("crash.seed", 1, "seed of the moments")
)

// Phases of a run, as it notes them in memory that outlives it.
const (
	phaseStart uint32 = iota
	phaseForward
	phaseBackward
	phaseUpdate
	phaseSave
	phaseEvaluation
	phaseExport
	phaseBetween
	phases
)

var phaseNames = [phases]string{"start", "forward", "backward", "update", "save", "evaluation", "export", "between"}

// victim is what a process that is to be killed is told.
type victim struct {
	Config Config
	Phases string // a file of four bytes
}

// TestMain is a run instead of tests in processes that are started to be killed.
func TestMain(m *testing.M) {
	text := os.Getenv("ONNXTRAIN_VICTIM")
	if text == "" {
		os.Exit(m.Run())
	}
	var v victim
	err := json.Unmarshal([]byte(text), &v)
	if err == nil {
		err = v.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

// phase is where the run stands; the memory is that of a file.
var phase = new(uint32)

func enter(p uint32) { atomic.StoreUint32(phase, p) }

func mapPhase(file string) (*uint32, error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*uint32)(unsafe.Pointer(&b[0])), nil
}

// run does what Run does, and notes the phases on the way.
func (v *victim) run() error {
	var err error
	if phase, err = mapPhase(v.Phases); err != nil {
		return err
	}
	enter(phaseStart)
	c := v.Config
	c.Resume = "auto" // which is not in the JSON of a configuration
	s, err := Open(c, true)
	if err != nil {
		return err
	}
	defer s.Close()
	o := s.Engine.o
	o.Backend = "phased"
	if s.Engine, err = NewEngine(s.Model, c.Batch, true, o); err != nil {
		return err
	}
	r, _, err := prepare(s, noting{c.Steps})
	if err != nil {
		return err
	}
	if err := r.open(time.Now()); err != nil {
		return err
	}
	defer r.dir.Close()
	r.store.FS = notingDisk{}
	if err := r.begin(context.Background()); err != nil {
		return err
	}
	if err := r.epochs(context.Background()); err != nil {
		return err
	}
	return r.finish()
}

// noting is an observer of a run of so many steps.
type noting struct{ steps int }

func (noting) Started(Start)                        {}
func (noting) Stepped(Progress)                     { enter(phaseBetween) }
func (noting) Evaluated(Progress, Evaluation, bool) { enter(phaseBetween) }
func (noting) Saved(string)                         {}
func (noting) Warned(text string)                   { fmt.Fprintln(os.Stderr, "warned:", text) }

func (n noting) Checkpointed(_ string, step int) {
	if enter(phaseBetween); step == n.steps {
		enter(phaseExport) // is all that is left
	}
}

type notingDisk struct{ checkpoint.Disk }

func (d notingDisk) MkdirAll(path string) error {
	enter(phaseSave)
	return d.Disk.MkdirAll(path)
}

// phasedBackend is the CPU; its programs note what they run.
type phasedBackend struct{}

func init() { backend.Register("phased", phasedBackend{}) }

func (phasedBackend) Compile(g *graph.Graph, o backend.Options) (backend.Program, error) {
	cpu, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	p, err := cpu.Compile(g, o)
	if err != nil {
		return nil, err
	}
	training := slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Origin != nil })
	return &phasedProgram{p, g, training}, nil
}

type phasedProgram struct {
	backend.Program
	g        *graph.Graph
	training bool
}

func (p *phasedProgram) Run(ctx context.Context) error {
	c := &counting{Context: ctx, before: func(node int) {
		switch {
		case !p.training:
			enter(phaseEvaluation)
		case p.g.Nodes[node].Origin != nil:
			enter(phaseBackward)
		default:
			enter(phaseForward)
		}
	}}
	err := p.Program.Run(c)
	if enter(phaseUpdate); !p.training {
		enter(phaseExport) // of the best weights, after the last batch
	}
	return err
}

// TestKilledInEveryPhase kills a run with SIGKILL, at random moments and in phases drawn at random, and resumes it until it is
// through, again and again: every start finds whole checkpoints alone, or none yet, and in the end weights and metrics are
// those of a run that was never killed. In full: -crash.kills 200.
func TestKilledInEveryPhase(t *testing.T) {
	seed := *crashSeed
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	file := filepath.Join(dir, "phase")
	if err := os.WriteFile(file, make([]byte, 4), 0o666); err != nil {
		t.Fatal(err)
	}
	at, err := mapPhase(file)
	if err != nil {
		t.Fatal(err)
	}
	config := small("resnet20", "ifshampoo", filepath.Join(dir, "whole"))
	config.Data, config.Val, config.Steps, config.SaveEvery, config.EvalEvery = "synthetic:?n=44", "synthetic:?n=16&split=val", 12, "2", 3
	began := time.Now()
	if code, said := startVictim(t, config, file).wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	length := time.Since(began)
	want, lines := results(t, config.Out)
	var killed [phases]int
	kills, runs, fresh := 0, 0, 0
	for ; kills < *crashKills; runs++ {
		config.Out = filepath.Join(dir, fmt.Sprintf("run%d", runs))
		for {
			p := startVictim(t, config, file)
			if kills < *crashKills && p.killWithin(r, at, length, killed[:]) {
				kills++
			}
			code, said := p.wait(t)
			if strings.Contains(said, "not whole") || strings.Contains(said, "passed over") {
				t.Fatalf("a checkpoint is not whole:\n%s", said)
			}
			store := newStore(config.Out, config.Keep)
			newest, bad := store.Newest()
			if len(bad) > 0 {
				t.Fatalf("after kill %d: %v", kills, bad)
			}
			if code == 0 {
				break
			}
			if code != -int(syscall.SIGKILL) {
				t.Fatalf("exit code %d:\n%s", code, said)
			}
			if newest == nil {
				fresh++
			}
		}
		model, have := results(t, config.Out)
		if !bytes.Equal(model, want) || !slices.Equal(have, lines) {
			t.Fatalf("after %d kills weights or metrics are not those of a run without kills (-crash.seed %d)", kills, seed)
		}
		if err := os.RemoveAll(config.Out); err != nil {
			t.Fatal(err)
		}
	}
	var text []string
	for p, n := range killed {
		text = append(text, fmt.Sprintf("%s %d", phaseNames[p], n))
	}
	t.Logf("%d kills in %d runs of %v, %d of them before the first checkpoint; by phase: %s", kills, runs, length.Round(10*time.Millisecond), fresh, strings.Join(text, ", "))
}

// killed processes end in their own time.
type victimProcess struct {
	*exec.Cmd
	said  bytes.Buffer
	ended chan struct{}
}

func startVictim(t *testing.T, c Config, phases string) *victimProcess {
	t.Helper()
	text, err := json.Marshal(victim{c, phases})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &victimProcess{Cmd: exec.Command(self), ended: make(chan struct{})}
	p.Env = append(os.Environ(), "ONNXTRAIN_VICTIM="+string(text))
	p.Stderr = &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.Wait(); close(p.ended) }()
	t.Cleanup(func() { p.Process.Kill(); <-p.ended })
	return p
}

// wait returns the exit code, minus the signal of one that was killed, and what the process said.
func (p *victimProcess) wait(t *testing.T) (int, string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("it does not end")
	}
	if s := p.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		return -int(s.Signal()), p.said.String()
	}
	return p.ProcessState.ExitCode(), p.said.String()
}

// killWithin kills the process at a random moment, every other time in a phase that is drawn, and counts the phase that it was
// in: it is stopped first, so that this is the phase it dies in. false when it was through before.
func (p *victimProcess) killWithin(r *rand.Rand, at *uint32, length time.Duration, killed []int) bool {
	moment, target := time.Duration(r.Float64()*float64(length)), phases
	if r.IntN(2) == 0 {
		target = []uint32{phaseForward, phaseBackward, phaseUpdate, phaseSave, phaseExport}[r.IntN(5)]
	}
	select {
	case <-p.ended:
		return false
	case <-time.After(moment):
	}
	for target != phases && atomic.LoadUint32(at) != target {
		select {
		case <-p.ended:
			return false
		default:
		}
	}
	time.Sleep(time.Duration(r.IntN(300)) * time.Microsecond)
	if p.Process.Signal(syscall.SIGSTOP) != nil || !p.stopped() {
		return false
	}
	killed[atomic.LoadUint32(at)]++
	return p.Process.Kill() == nil
}

// stopped waits until no thread runs any more; false when the process has ended.
func (p *victimProcess) stopped() bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		select {
		case <-p.ended:
			return false
		default:
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
		if err != nil {
			return true // no such file system: the signal was sent
		}
		if _, rest, ok := bytes.Cut(b, []byte(") ")); ok && len(rest) > 0 && rest[0] == 'T' {
			return true
		}
	}
	return false
}

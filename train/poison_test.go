package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// poison is where the backend called poisoned puts a NaN: into an output of a node, as soon as it is computed.
var poison = struct {
	node, output int // node -1 for nowhere
	hit          bool
}{node: -1}

// poisonedBackend is the CPU with every value in memory of its own.
type poisonedBackend struct{}

func init() { backend.Register("poisoned", poisonedBackend{}) }

func (poisonedBackend) Compile(g *graph.Graph, o backend.Options) (backend.Program, error) {
	cpu, err := backend.Lookup("cpu")
	if err != nil {
		return nil, err
	}
	o.Keep = append(slices.Clone(o.Keep), g.Values...)
	p, err := cpu.Compile(g, o)
	return &poisonedProgram{p, g}, err
}

type poisonedProgram struct {
	backend.Program
	g *graph.Graph
}

// Run counts on the CPU asking the context before every node, in order.
func (p *poisonedProgram) Run(ctx context.Context) error {
	c := &counting{Context: ctx, before: func(node int) {
		if poison.node >= 0 && node == poison.node+1 {
			p.spoil()
		}
	}}
	if err := p.Program.Run(c); err != nil {
		return err
	}
	c.before(c.asked) // after the last one
	return nil
}

func (p *poisonedProgram) spoil() {
	t := p.Tensor(p.g.Nodes[poison.node].Out[poison.output])
	x := t.Float64s()
	x[len(x)/2] = math.NaN()
	t.SetFloat64s(x)
	poison.hit = true
}

// counting is a context that tells how often it was asked.
type counting struct {
	context.Context
	asked  int
	before func(node int)
}

func (c *counting) Err() error {
	c.before(c.asked)
	c.asked++
	return c.Context.Err()
}

// bench is a model with one batch of its data, on the poisoned backend.
type bench struct {
	session *Session
	engine  *Engine
	trainer *Trainer
	config  Config
	batch   []*data.Batch
	clean   [][]byte // weights and state before the step
	after   string   // what a step without poison leaves
}

func newBench(t *testing.T, c Config) *bench {
	t.Helper()
	s, err := Open(c, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o := s.Engine.o
	o.Backend = "poisoned"
	e, err := NewEngine(s.Model, c.Batch, true, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	b := &bench{session: s, engine: e, config: c}
	if b.trainer, err = NewTrainer(e, &c, 10); err != nil {
		t.Fatal(err)
	}
	it := data.NewLoader(s.Train, data.LoaderOptions{Batch: c.Batch}).Epoch(t.Context(), 0, 0)
	t.Cleanup(it.Close)
	batch, err := it.Next()
	if err != nil {
		t.Fatal(err)
	}
	b.batch = []*data.Batch{batch}
	for range 2 { // optimizers begin in other ways than they go on
		if _, err := b.trainer.Step(t.Context(), b.batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range b.memory() {
		b.clean = append(b.clean, slices.Clone(x.Data))
	}
	if _, err := b.trainer.Step(t.Context(), b.batch); err != nil {
		t.Fatal(err)
	}
	b.after = b.state()
	b.restore()
	return b
}

func (b *bench) memory() []*tensor.Tensor {
	var all []*tensor.Tensor
	for _, n := range slices.Concat(b.engine.weights(), b.trainer.slots()) {
		all = append(all, n.Tensor)
	}
	return all
}

func (b *bench) state() string {
	var all strings.Builder
	for _, x := range b.memory() {
		all.Write(x.Data)
	}
	return all.String()
}

func (b *bench) restore() {
	for i, x := range b.memory() {
		copy(x.Data, b.clean[i])
	}
	for i := range b.trainer.opt.Updates {
		b.trainer.opt.Updates[i] = 2
	}
	b.trainer.step = 2
}

// step takes the step and diagnoses it as a run does.
func (b *bench) step(t *testing.T) *NonFinite {
	t.Helper()
	_, err := b.trainer.Step(context.Background(), b.batch)
	var bad *NonFinite
	if errors.As(err, &bad) {
		b.trainer.Diagnose(context.Background(), b.batch, bad)
		return bad
	}
	if err != nil {
		t.Fatal(err)
	}
	return nil
}

func poisonConfigs() map[string]Config {
	c := func(model, opt string) Config {
		c := small(model, opt, "")
		c.Batch, c.Threads = 2, 2
		return c
	}
	tiny := small("", "adamw", "")
	tiny.Model, tiny.Batch, tiny.Threads = "../testdata/exports/01-batchnorm-opset14.onnx", 2, 2
	return map[string]Config{"batchnorm": tiny, "resnet20": c("resnet20", "sgd,momentum=0.9"), "vit": c("vit", "adamw"), "gpt": c("gpt", "ifshampoo"), "lenet5": c("lenet5", "shampoo")}
}

// TestNaNAnywhere puts a NaN into every value of a training step, activations and gradients alike, right after it is computed.
// The same step finds it and names the operator, or the NaN had no part in the result: then weights, statistics and optimizer
// state are those of the step without it. ONNXTRAIN_LONG takes every node of every model.
func TestNaNAnywhere(t *testing.T) {
	long := os.Getenv("ONNXTRAIN_LONG") != ""
	for name, c := range poisonConfigs() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c)
			nodes := b.engine.first.Graph.Nodes
			stride := 1
			if !long {
				stride = max(1, len(nodes)/12)
			}
			caught, inert := 0, 0
			for i := 0; i < len(nodes); i += stride {
				for k, out := range nodes[i].Out {
					if out == nil || !out.Type.DType.IsFloat() || out.Type.Shape.Elems() == 0 {
						continue
					}
					poison.node, poison.output, poison.hit = i, k, false
					bad := b.step(t)
					poison.node = -1
					switch {
					case !poison.hit:
						t.Errorf("node %d was not run", i)
					case bad != nil:
						caught++
						if !namesOneOf(bad, sameMemory(b, i, k)) || bad.Step != 3 {
							t.Errorf("NaN in output %d of %s: %v", k, described(nodes[i]), bad)
						}
					case b.state() == b.after:
						inert++
					default:
						t.Errorf("NaN in output %d of %s goes into the weights unnoticed", k, described(nodes[i]))
					}
					b.restore()
				}
			}
			t.Logf("%d values: %d caught and named, %d without effect", caught+inert, caught, inert)
			if caught == 0 || inert > caught {
				t.Errorf("%d caught and %d without effect", caught, inert)
			}
		})
	}
}

// sameMemory are the nodes that may be named for an output: its own, and those of which it is a view.
func sameMemory(b *bench, node, output int) []*graph.Node {
	nodes := b.engine.first.Graph.Nodes
	n := nodes[node]
	list := []*graph.Node{n}
	for n.Out[output].Type.Shape.Elems() > 0 && len(n.In) > 0 && n.In[0] != nil && n.In[0].Producer != nil && output == 0 {
		p, err := b.engine.Program(b.config.Batch, true)
		if err != nil {
			return list
		}
		x, y := p.Tensor(n.Out[0]), p.Tensor(n.In[0])
		if x == nil || y == nil || len(x.Data) == 0 || len(y.Data) == 0 || &x.Data[0] != &y.Data[0] {
			return list
		}
		n = n.In[0].Producer
		list = append(list, n)
	}
	return list
}

func namesOneOf(bad *NonFinite, nodes []*graph.Node) bool {
	return slices.ContainsFunc(nodes, func(n *graph.Node) bool { return strings.HasPrefix(bad.Origin, described(n)+": NaN") })
}

// TestNaNInWhatIsRead puts a NaN into every array of the data, parameter and running statistic before a step.
func TestNaNInWhatIsRead(t *testing.T) {
	for name, c := range poisonConfigs() {
		t.Run(name, func(t *testing.T) {
			if os.Getenv("ONNXTRAIN_LONG") == "" && (name == "resnet20" || name == "vit") {
				t.Skip("takes long; set ONNXTRAIN_LONG")
			}
			if name == "lenet5" {
				c.Loss = "mse" // whose labels are numbers
			}
			b := newBench(t, c)
			check := func(what string, x *tensor.Tensor, want string) {
				t.Helper()
				if !x.DType.IsFloat() {
					return
				}
				before := slices.Clone(x.Data)
				v := x.Float64s()
				v[len(v)-1] = math.NaN()
				x.SetFloat64s(v)
				bad := b.step(t)
				if bad == nil && b.state() != b.after || bad != nil && !strings.Contains(bad.Origin, want) && !strings.Contains(bad.What, want) {
					t.Errorf("NaN in %s: %v", what, bad)
				}
				copy(x.Data, before)
				b.restore()
			}
			for i, f := range b.session.Train.Fields() {
				check("array "+f.Name, b.batch[0].Tensors[i], fmt.Sprintf("array %q", f.Name))
			}
			for _, w := range b.engine.weights() {
				check(w.Name, w.Tensor, fmt.Sprintf("%q", w.Name))
			}
		})
	}
}

// TestNaNInSlots puts a NaN into every slot of optimizers whose state is small against the activations: the same step finds
// it, whether it uses the slot or not.
func TestNaNInSlots(t *testing.T) {
	model, batch, optimizers := "lenet5", 256, []string{"sgd,momentum=0.9", "adamw"}
	if os.Getenv("ONNXTRAIN_LONG") != "" {
		model, batch, optimizers = "resnet20", 64, append(optimizers, "ifshampoo,interval=5", "lion", "rfrmsprop")
	}
	for _, opt := range optimizers {
		t.Run(opt, func(t *testing.T) {
			c := small(model, opt, "")
			c.Data, c.Batch, c.Threads = fmt.Sprintf("synthetic:?n=%d", batch), batch, 2
			b := newBench(t, c)
			if !b.trainer.stateDue(3) {
				t.Fatalf("%d bytes of state are large against %d of activations", b.trainer.StateBytes(), b.engine.activations)
			}
			caught := 0
			for _, s := range b.trainer.opt.Slots {
				x := s.Tensor.Float64s()
				x[len(x)/2] = math.NaN()
				s.Tensor.SetFloat64s(x)
				bad := b.step(t)
				parameter, _, _ := strings.Cut(s.Name, "/")
				switch {
				case bad == nil && b.state() == b.after: // it was computed anew
				case bad == nil || bad.Step != 3 || !strings.Contains(bad.Error(), parameter):
					t.Errorf("NaN in %s: %v", s.Name, bad)
				default:
					caught++
				}
				b.restore()
			}
			t.Logf("%d of %d slots", caught, len(b.trainer.opt.Slots))
			if caught == 0 {
				t.Error("none was caught")
			}
		})
	}
}

package bench

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/onnxtrain/onnxtrain/backend"
	"github.com/onnxtrain/onnxtrain/graph"
)

// traceFile is Chrome's trace event format (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU),
// which chrome://tracing and Perfetto load.
type traceFile struct {
	Events []event `json:"traceEvents"`
	Unit   string  `json:"displayTimeUnit"`
	About  any     `json:"otherData"`
}

// event is a complete event, of phase X, or metadata, of phase M. Those of one thread that lie within each other are shown
// below each other.
type event struct {
	Name     string  `json:"name"`
	Category string  `json:"cat,omitempty"`
	Phase    string  `json:"ph"`
	Start    float64 `json:"ts"`  // microseconds
	Duration float64 `json:"dur"` // microseconds
	Process  int     `json:"pid"`
	Thread   int     `json:"tid"`
	Args     any     `json:"args,omitempty"`
}

// nodeArgs is what a viewer shows of a node that is picked.
type nodeArgs struct {
	Operator string   `json:"operator"`
	Kernel   string   `json:"kernel"`
	Inputs   []string `json:"inputs"`
	Outputs  []string `json:"outputs"`
	Of       string   `json:"gradient_of,omitempty"`
	Rate
}

// about is what a trace is of.
type about struct {
	Model     string  `json:"model"`
	Optimizer string  `json:"optimizer"`
	Batch     int     `json:"batch"`
	DType     string  `json:"dtype"`
	Limits    *Limits `json:"limits"`
}

type updateArgs struct {
	Optimizer  string `json:"optimizer"`
	Parameters int    `json:"parameters"`
	Elements   int    `json:"elements"`
	StateBytes int64  `json:"state_bytes"`
}

// Trace is the recorded steps of a Result, to be looked at.
type Trace struct {
	steps  []recorded
	about  about
	update updateArgs
}

// Write writes the steps in Chrome's trace event format: a step, in it what it did, and in forward and backward the nodes.
func (t *Trace) Write(w io.Writer) error {
	f := traceFile{Unit: "ms", About: t.about, Events: []event{
		{Name: "process_name", Phase: "M", Process: 1, Args: map[string]string{"name": "onnxtrain bench " + t.about.Model}},
		{Name: "thread_name", Phase: "M", Process: 1, Thread: 1, Args: map[string]string{"name": "training step"}},
	}}
	for i := range t.steps {
		f.Events = append(f.Events, t.step(&t.steps[i])...)
	}
	return json.NewEncoder(w).Encode(f)
}

func (t *Trace) step(s *recorded) []event {
	origin := s.start.Sub(t.steps[0].start).Nanoseconds()
	var events []event
	add := func(name, category string, from, length int64, args any) {
		events = append(events, event{Name: name, Category: category, Phase: "X", Start: float64(origin+from) / 1e3, Duration: float64(length) / 1e3,
			Process: 1, Thread: 1, Args: args})
	}
	add(fmt.Sprintf("step %d", s.number), "step", 0, s.end, nil)
	if len(s.nodes) > 0 {
		add("batch", "feed", 0, s.nodes[0].Start, nil)
	}
	ran := int64(0)
	for at := 0; at < len(s.nodes); {
		name, end := phase(s.nodes[at].Node), at+1
		for end < len(s.nodes) && phase(s.nodes[end].Node) == name {
			end++
		}
		from := s.nodes[at].Start
		ran = s.nodes[end-1].Start + s.nodes[end-1].Nanoseconds
		add(name, "phase", from, ran-from, nil)
		for _, n := range s.nodes[at:end] {
			add(n.Node.Name, name, n.Start, n.Nanoseconds, argsOf(n, t.about.Limits))
		}
		at = end
	}
	add("loss and norms", "check", ran, s.update-ran, nil)
	add("update", "update", s.update, s.length, t.update)
	return events
}

func argsOf(t backend.NodeTime, l *Limits) nodeArgs {
	n := t.Node
	a := nodeArgs{Operator: n.Op.String(), Kernel: t.Kernel, Inputs: types(n.In), Outputs: types(n.Out), Rate: l.rate(n, float64(t.Nanoseconds))}
	if n.Origin != nil {
		a.Of = n.Origin.Name
	}
	return a
}

func types(values []*graph.Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			list[i] = v.Type.String()
		}
	}
	return list
}

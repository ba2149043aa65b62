package pass

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	expansions[[2]string{"", "Scan"}] = expansion{run: (*expander).scan, passes: true}
}

// scanning is a Scan: its body takes states and one slice of each sequence, and gives states and slices of results.
type scanning struct {
	body               *graph.Graph
	states, sequences  int
	inAxes, outAxes    []int
	backward, prepends []bool
}

// scan unrolls a Scan. Before opset 9 it had a batch axis, whose samples are scanned one by one.
func (x *expander) scan(n *graph.Node) error {
	s := scanning{body: n.Attrs.Graph("body"), sequences: n.Attrs.Int("num_scan_inputs", 0)}
	if s.body == nil {
		return fmt.Errorf("attribute body is missing")
	}
	own, _ := x.captures.split(n, s.body)
	batched := n.Op.Since < 9
	if batched {
		if len(own) == 0 || own[0] != nil {
			return fmt.Errorf("sequences of different lengths in a batch are not supported; leave input 0, sequence_lens, out")
		}
		own = own[1:]
	}
	s.states = len(own) - s.sequences
	if s.sequences < 1 || s.states < 0 || len(s.body.Outputs) < s.states || slices.Contains(own, nil) {
		return fmt.Errorf("%d inputs, %d of them scanned, and a body of %d outputs", len(own), s.sequences, len(s.body.Outputs))
	}
	if err := s.read(n, batched); err != nil {
		return err
	}
	var outs []*graph.Value
	var err error
	if batched {
		outs, err = x.scanBatch(n, &s, own)
	} else {
		outs, err = x.scanOnce(n, &s, own, n.Name+"/")
	}
	if err != nil {
		return err
	}
	return x.results(n, outs)
}

// read reads axes and directions.
func (s *scanning) read(n *graph.Node, batched bool) error {
	results := len(s.body.Outputs) - s.states
	list := func(name string, count int) ([]int, error) {
		given := n.Attrs.Ints(name)
		if given == nil {
			return make([]int, count), nil
		}
		if len(given) != count {
			return nil, fmt.Errorf("attribute %s is %v and should have %d numbers", name, given, count)
		}
		return given, nil
	}
	directions := "scan_input_directions"
	if batched {
		directions = "directions"
	}
	in, err := list(directions, s.sequences)
	if err != nil {
		return err
	}
	out, err := list("scan_output_directions", results)
	if err != nil {
		return err
	}
	for _, d := range in {
		s.backward = append(s.backward, d != 0)
	}
	for _, d := range out {
		s.prepends = append(s.prepends, d != 0)
	}
	if s.inAxes, err = list("scan_input_axes", s.sequences); err != nil {
		return err
	}
	s.outAxes, err = list("scan_output_axes", results)
	return err
}

// scanBatch scans every sample of a batch and stacks what comes out.
func (x *expander) scanBatch(n *graph.Node, s *scanning, in []*graph.Value) ([]*graph.Value, error) {
	samples := make([][]*graph.Value, len(in))
	batch := 0
	for i, v := range in {
		var err error
		if samples[i], err = x.slices(n, v, 0); err != nil {
			return nil, err
		}
		if batch = len(samples[0]); len(samples[i]) != batch || batch == 0 {
			return nil, fmt.Errorf("batches of %d and %d samples", batch, len(samples[i]))
		}
	}
	results := make([][]*graph.Value, len(s.body.Outputs))
	for b := range batch {
		args := make([]*graph.Value, len(in))
		for i := range args {
			args[i] = samples[i][b]
		}
		outs, err := x.scanOnce(n, s, args, fmt.Sprintf("%s/%d/", n.Name, b))
		if err != nil {
			return nil, err
		}
		for k, v := range outs {
			results[k] = append(results[k], v)
		}
	}
	outs := make([]*graph.Value, len(results))
	for k, list := range results {
		var err error
		if outs[k], err = x.stack(n, list, 0, nil); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

func (x *expander) scanOnce(n *graph.Node, s *scanning, in []*graph.Value, prefix string) ([]*graph.Value, error) {
	states := in[:s.states]
	sequences := make([][]*graph.Value, s.sequences)
	for k, v := range in[s.states:] {
		var err error
		if sequences[k], err = x.slices(n, v, s.inAxes[k]); err != nil {
			return nil, err
		}
		if s.backward[k] {
			slices.Reverse(sequences[k])
		}
		if a, b := len(sequences[0]), len(sequences[k]); a != b {
			return nil, fmt.Errorf("its sequences have lengths %d and %d", a, b)
		}
	}
	results := make([][]*graph.Value, len(s.body.Outputs)-s.states)
	for step := range sequences[0] {
		args := slices.Clone(states)
		for _, list := range sequences {
			args = append(args, list[step])
		}
		outs, err := x.inline(n, s.body, fmt.Sprintf("%s%d/", prefix, step), args)
		if err != nil {
			return nil, err
		}
		states = outs[:s.states]
		for k, v := range outs[s.states:] {
			results[k] = append(results[k], v)
		}
	}
	outs := slices.Clone(states)
	for k, list := range results {
		if s.prepends[k] {
			slices.Reverse(list)
		}
		out, err := x.stack(n, list, s.outAxes[k], func() (graph.Type, error) {
			return graph.Type{}, fmt.Errorf("its sequences have no elements")
		})
		if err != nil {
			return nil, err
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// slices are the parts of v along an axis, without the axis. They come from one Split, whose gradient is one Concat.
func (x *expander) slices(n *graph.Node, v *graph.Value, axis int) ([]*graph.Value, error) {
	axis, err := v.Type.Shape.Axis(axis)
	if err != nil {
		return nil, err
	}
	count := v.Type.Shape[axis]
	if count > maxExpanded {
		return nil, fmt.Errorf("a sequence of length %d; at most %d steps can be unrolled", count, maxExpanded)
	}
	parts := []*graph.Value{v}
	if count != 1 {
		ones := make([]int64, count)
		for i := range ones {
			ones[i] = 1
		}
		if count == 0 {
			return nil, nil
		}
		sizes := x.g.NewConst("", tensor.Vector(ones...))
		if parts, err = x.emit(n, "Split", graph.MakeAttrs("axis", axis), count, v, sizes); err != nil {
			return nil, err
		}
	}
	at := x.g.NewConst("", tensor.Vector(int64(axis)))
	out := make([]*graph.Value, count)
	for i, part := range parts {
		squeezed, err := x.emit(n, "Squeeze", nil, 1, part, at)
		if err != nil {
			return nil, err
		}
		out[i] = squeezed[0]
	}
	return out, nil
}

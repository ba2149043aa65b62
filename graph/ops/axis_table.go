package ops

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// AxisTable is a change of one axis: output position o is the sum of Weight[k] times input position At[k] for k from
// Start[o] to Start[o+1].
type AxisTable struct {
	Axis   int
	Start  []int
	At     []int
	Weight []float32
}

// AxisTables gives what a Resize, Upsample or ResizeGrad node, or a Pad or PadGrad node of another mode than constant,
// does to each axis that it changes, in any order. It reports nodes that put a fixed value anywhere.
func AxisTables(n *graph.Node) ([]AxisTable, error) {
	switch n.Op.Type {
	case "Pad", "PadGrad":
		return padTables(n)
	}
	x := n.In[0].Type.Shape
	back := n.Op.Type == "ResizeGrad"
	if back {
		x = n.Attrs.Ints("shape")
	}
	r, err := resizeOf(n, x)
	if err != nil {
		return nil, err
	}
	var tables []AxisTable
	for i := range r.axes {
		a := &r.axes[i]
		if slices.Contains(a.outside, true) {
			return nil, fmt.Errorf("axis %d has positions outside of the input", a.axis)
		}
		tables = append(tables, axisTable(a.axis, a.taps, x[a.axis], back))
	}
	return tables, nil
}

func padTables(n *graph.Node) ([]AxisTable, error) {
	x := n.In[0].Type.Shape
	back := n.Op.Type == "PadGrad"
	var p padding
	var err error
	if back {
		p, x = padGradOf(n)
	} else if p, err = paddingOf(n); err != nil {
		return nil, err
	}
	if p.mode == "constant" {
		return nil, fmt.Errorf("the padding is a constant")
	}
	var tables []AxisTable
	for d, size := range x {
		if p.before[d] == 0 && p.after[d] == 0 {
			continue
		}
		axis := padding{p.mode, p.before[d : d+1], p.after[d : d+1]}
		taps := make([][]resizeTap, max(0, axis.before[0]+size+axis.after[0]))
		all := make([]resizeTap, len(taps))
		for o, at := range axis.sources(tensor.Shape{len(taps)}, tensor.Shape{size}) {
			all[o] = resizeTap{at, 1}
			taps[o] = all[o : o+1 : o+1]
		}
		tables = append(tables, axisTable(d, taps, size, back))
	}
	return tables, nil
}

// axisTable is the table of the taps of each output position, transposed for the gradient, which has the size of the
// input. It leaves out what has no weight, as half of the taps of whole factors do.
func axisTable(axis int, taps [][]resizeTap, in int, transposed bool) AxisTable {
	if transposed {
		users := make([][]resizeTap, in)
		for o, list := range taps {
			for _, tap := range list {
				users[tap.at] = append(users[tap.at], resizeTap{o, tap.weight})
			}
		}
		taps = users
	}
	count := 0
	for _, list := range taps {
		count += len(list)
	}
	t := AxisTable{Axis: axis, Start: make([]int, 1, len(taps)+1), At: make([]int, 0, count), Weight: make([]float32, 0, count)}
	for _, list := range taps {
		for _, tap := range list {
			if tap.weight != 0 {
				t.At = append(t.At, tap.at)
				t.Weight = append(t.Weight, float32(tap.weight))
			}
		}
		t.Start = append(t.Start, len(t.At))
	}
	return t
}

package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Einsum is an equation applied to shapes. Labels are numbers: the first Outs of them are the axes of the output, in
// order, and the others are summed over. An operand whose axis has size 1 repeats along a label of another size.
type Einsum struct {
	Size []int   // of each label
	Outs int     // labels of the output
	In   [][]int // the label of each axis of each operand
}

// EinsumOf reads the equation of a node with known input types.
func EinsumOf(n *graph.Node) (Einsum, error) {
	equation := n.Attrs.String("equation", "")
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(n.In) {
		return Einsum{}, fmt.Errorf("equation %q has %d terms for %d inputs", equation, len(terms), len(n.In))
	}
	var operands [][]int
	ellipsis := 0
	for i, term := range terms {
		labels, dots, err := readTerm(term, len(shapeOf(n, i)))
		if err != nil {
			return Einsum{}, fmt.Errorf("equation %q, term %d: %w", equation, i, err)
		}
		operands, ellipsis = append(operands, labels), max(ellipsis, dots)
	}
	out := implicitOutput(operands, ellipsis)
	if explicit {
		letters := len(strings.Replace(right, "...", "", 1))
		if strings.Contains(right, "...") {
			letters += ellipsis
		}
		var err error
		if out, _, err = readTerm(right, letters); err != nil {
			return Einsum{}, fmt.Errorf("equation %q, result: %w", equation, err)
		}
	}
	e, err := numbered(n, operands, out)
	if err != nil {
		return e, fmt.Errorf("equation %q: %w", equation, err)
	}
	return e, nil
}

// firstDot is the label of the last axis of an ellipsis; the axes before count up from it, so that they are aligned at
// the end.
const firstDot = 256

// readTerm labels the axes of an operand of the given rank: letters by their code. dots is the length of the ellipsis.
func readTerm(term string, rank int) (labels []int, dots int, err error) {
	before, after, found := strings.Cut(term, "...")
	dots = rank - len(before) - len(after)
	if dots < 0 || dots > 0 && !found {
		return nil, 0, fmt.Errorf("%q does not name the axes of rank %d", term, rank)
	}
	for _, c := range []byte(before) {
		labels = append(labels, int(c))
	}
	for i := range dots {
		labels = append(labels, firstDot+dots-1-i)
	}
	for _, c := range []byte(after) {
		labels = append(labels, int(c))
	}
	for _, l := range labels {
		if letter := l | 0x20; l < firstDot && (letter < 'a' || letter > 'z') {
			return nil, 0, fmt.Errorf("%q is not a letter", rune(l))
		}
	}
	return labels, dots, nil
}

// implicitOutput is the ellipsis and then the letters that appear once, sorted.
func implicitOutput(operands [][]int, ellipsis int) []int {
	var out []int
	for i := range ellipsis {
		out = append(out, firstDot+ellipsis-1-i)
	}
	seen := make([]int, firstDot)
	for _, labels := range operands {
		for _, l := range labels {
			if l < firstDot {
				seen[l]++
			}
		}
	}
	for l, times := range seen {
		if times == 1 {
			out = append(out, l)
		}
	}
	return out
}

// numbered numbers the labels, those of the output first, and finds their sizes.
func numbered(n *graph.Node, operands [][]int, out []int) (Einsum, error) {
	e := Einsum{Outs: len(out)}
	labels := slices.Clone(out)
	for i, l := range out {
		if slices.Contains(out[:i], l) {
			return e, fmt.Errorf("the result repeats a letter")
		}
		if !slices.ContainsFunc(operands, func(labels []int) bool { return slices.Contains(labels, l) }) {
			return e, fmt.Errorf("the result has a letter that no term has")
		}
		e.Size = append(e.Size, 1)
	}
	for i, operand := range operands {
		numbers := make([]int, len(operand))
		for axis, l := range operand {
			at := slices.Index(labels, l)
			if at < 0 {
				at = len(labels)
				labels, e.Size = append(labels, l), append(e.Size, 1)
			}
			numbers[axis] = at
			size := shapeOf(n, i)[axis]
			if e.Size[at] != 1 && size != 1 && size != e.Size[at] {
				return e, fmt.Errorf("axis %d of shape %v meets an axis of size %d", axis, shapeOf(n, i), e.Size[at])
			}
			if size != 1 {
				e.Size[at] = size
			}
		}
		e.In = append(e.In, numbers)
	}
	return e, tensor.Shape(e.Size).Check(tensor.Float64)
}

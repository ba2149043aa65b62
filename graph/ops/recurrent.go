package ops

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Recurrence is what an LSTM, GRU or RNN node, or the gradient of one, runs over and how. W is [Dirs, gates*Hidden,
// Input], R [Dirs, gates*Hidden, Hidden] and B [Dirs, 2*gates*Hidden].
type Recurrence struct {
	Steps, Batch, Input, Hidden int
	Dirs                        int
	Reverse                     [2]bool // whether a direction runs from the last step to the first
	BatchFirst                  bool    // X is [Batch, Steps, Input]
	// Plain layers have the default activations, no clipping and no coupled gates.
	Plain bool

	gates       int
	activations []activation // of the first direction, then of the second
}

// recurrentGates is the number of gates, or rows of W for each hidden unit, of the operators and their gradients, and
// recurrentDefaults their activations.
var (
	recurrentGates    = map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1}
	recurrentDefaults = map[string][]string{"LSTM": {"Sigmoid", "Tanh", "Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "RNN": {"Tanh"}}
)

// RecurrenceOf reads a node LSTM, GRU or RNN, or an internal one LSTMGrad, GRUGrad or RNNGrad. The input types must be
// known; of inputs only X, W and R are looked at.
func RecurrenceOf(n *graph.Node) (Recurrence, error) {
	typ := strings.TrimSuffix(n.Op.Type, "Grad")
	r := Recurrence{Dirs: 1, gates: recurrentGates[typ], BatchFirst: n.Attrs.Int("layout", 0) == 1}
	for i := range 3 {
		if err := rank(n, i, 3, 3); err != nil {
			return r, err
		}
	}
	switch direction := n.Attrs.String("direction", "forward"); direction {
	case "forward":
	case "reverse":
		r.Reverse[0] = true
	case "bidirectional":
		r.Dirs, r.Reverse[1] = 2, true
	default:
		return r, fmt.Errorf("attribute direction is %q; forward, reverse and bidirectional are known", direction)
	}
	x, w := shapeOf(n, 0), shapeOf(n, 1)
	r.Steps, r.Batch, r.Input = x[0], x[1], x[2]
	if r.BatchFirst {
		r.Steps, r.Batch = r.Batch, r.Steps
	}
	r.Hidden = shapeOf(n, 2)[2]
	if h := n.Attrs.Int("hidden_size", r.Hidden); h != r.Hidden {
		return r, fmt.Errorf("attribute hidden_size is %d and R has shape %v", h, shapeOf(n, 2))
	}
	if want := (tensor.Shape{r.Dirs, r.gates * r.Hidden, r.Input}); !w.Equal(want) {
		return r, fmt.Errorf("weights W have shape %v, and %v is needed for an input of shape %v", w, want, x)
	}
	if want := (tensor.Shape{r.Dirs, r.gates * r.Hidden, r.Hidden}); !shapeOf(n, 2).Equal(want) {
		return r, fmt.Errorf("weights R have shape %v instead of %v", shapeOf(n, 2), want)
	}
	return r, r.readActivations(n, recurrentDefaults[typ])
}

func (r *Recurrence) readActivations(n *graph.Node, defaults []string) error {
	names := n.Attrs.Strings("activations")
	r.Plain = len(names) == 0 && !n.Attrs.Has("clip") && !n.Attrs.Bool("input_forget", false)
	if len(names) == 0 {
		for range r.Dirs {
			names = append(names, defaults...)
		}
	}
	if len(names) != r.Dirs*len(defaults) {
		return fmt.Errorf("%d activations, and %d directions need %d each", len(names), r.Dirs, len(defaults))
	}
	plain := true
	alpha, beta := n.Attrs.Floats("activation_alpha"), n.Attrs.Floats("activation_beta")
	clip := n.Attrs.Float("clip", 0)
	if clip < 0 {
		return fmt.Errorf("attribute clip is %v; it must be positive", clip)
	}
	for i, name := range names {
		a, err := activationOf(name, &alpha, &beta)
		if err != nil {
			return err
		}
		plain = plain && strings.EqualFold(name, defaults[i%len(defaults)])
		r.activations = append(r.activations, a.clipped(clip))
	}
	r.Plain = plain && clip == 0 && !n.Attrs.Bool("input_forget", false)
	return nil
}

// ofDirection are the activations of direction d.
func (r *Recurrence) ofDirection(d int) []activation {
	each := len(r.activations) / r.Dirs
	return r.activations[d*each:][:each]
}

// XAt is the offset in X of step t of sequence b.
func (r *Recurrence) XAt(t, b int) int {
	if r.BatchFirst {
		return (b*r.Steps + t) * r.Input
	}
	return (t*r.Batch + b) * r.Input
}

// YAt is the offset in Y of step t of sequence b in direction d.
func (r *Recurrence) YAt(t, d, b int) int {
	if r.BatchFirst {
		return ((b*r.Steps+t)*r.Dirs + d) * r.Hidden
	}
	return ((t*r.Dirs+d)*r.Batch + b) * r.Hidden
}

// StateAt is the offset in the initial and last states of sequence b in direction d.
func (r *Recurrence) StateAt(d, b int) int {
	if r.BatchFirst {
		return (b*r.Dirs + d) * r.Hidden
	}
	return (d*r.Batch + b) * r.Hidden
}

func (r *Recurrence) yShape() tensor.Shape {
	if r.BatchFirst {
		return tensor.Shape{r.Batch, r.Steps, r.Dirs, r.Hidden}
	}
	return tensor.Shape{r.Steps, r.Dirs, r.Batch, r.Hidden}
}

func (r *Recurrence) stateShape() tensor.Shape {
	if r.BatchFirst {
		return tensor.Shape{r.Batch, r.Dirs, r.Hidden}
	}
	return tensor.Shape{r.Dirs, r.Batch, r.Hidden}
}

func (r *Recurrence) biasShape() tensor.Shape { return tensor.Shape{r.Dirs, 2 * r.gates * r.Hidden} }

func (r *Recurrence) peepholeShape() tensor.Shape { return tensor.Shape{r.Dirs, 3 * r.Hidden} }

// steps lists the steps of a sequence of the given length in the order in which direction d takes them.
func (r *Recurrence) steps(d, length int) []int {
	order := make([]int, length)
	for i := range order {
		order[i] = i
		if r.Reverse[d] {
			order[i] = length - 1 - i
		}
	}
	return order
}

// lengths are those of the sequences, from input 4 when it is there.
func (r *Recurrence) lengths(given *tensor.Tensor) ([]int64, error) {
	lengths := make([]int64, r.Batch)
	for b := range lengths {
		lengths[b] = int64(r.Steps)
	}
	if given == nil {
		return lengths, nil
	}
	copy(lengths, given.Int64s())
	for b, v := range lengths {
		if v < 0 || v > int64(r.Steps) {
			return nil, fmt.Errorf("sequence_lens[%d] is %d, and X has %d steps", b, v, r.Steps)
		}
	}
	return lengths, nil
}

package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// NonFinite is a step in which a number turned out NaN or infinite.
type NonFinite struct {
	Step int
	What string // the result that is not finite
	// Origin is the first operator, parameter or array that is not finite; "" when it was not looked for or not found.
	Origin string
	// Spoiled says that weights or optimizer state are not finite; otherwise they, and running statistics, are those from
	// before the step.
	Spoiled bool

	batch, param int    // that it was found in, -1 for none
	state        string // the running statistic that it was found in
}

func (e *NonFinite) Error() string {
	text := fmt.Sprintf("step %d: %s", e.Step, e.What)
	if e.Origin != "" {
		text += "; it began at " + e.Origin
	}
	if e.Spoiled {
		return text + ". The run cannot go on from here; resume it from a checkpoint with --resume"
	}
	return text + ". No weight was updated. Try a smaller --lr, --warmup, or --clip-norm"
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// policy is what to do about steps that are not finite: --on-nonfinite.
type policy struct {
	action string // stop, skip, rollback
	limit  int    // of times in a run
}

func parsePolicy(text string) (policy, error) {
	action, count, counted := strings.Cut(text, ":")
	n, err := strconv.Atoi(count)
	switch {
	case text == "" || text == "stop":
		return policy{action: "stop"}, nil
	case (action == "skip" || action == "rollback") && counted && err == nil && n > 0:
		return policy{action, n}, nil
	}
	return policy{}, failf(Usage, "--on-nonfinite %q: it is stop, skip:N or rollback:N with N above 0", text)
}

// states remembers the running statistics, which a step changes before its gradients are known to be good.
type states struct {
	now, saved []*tensor.Tensor
	floats     []*tensor.Tensor // of now
	names      []string         // of floats
}

func newStates(e *Engine) states {
	var s states
	for _, n := range e.states() {
		s.now = append(s.now, n.Tensor)
		s.saved = append(s.saved, n.Tensor.Clone())
		if n.Tensor.DType == tensor.Float32 || n.Tensor.DType == tensor.Float64 {
			s.floats, s.names = append(s.floats, n.Tensor), append(s.names, n.Name)
		}
	}
	return s
}

func (s states) save() { copyAll(s.saved, s.now) }
func (s states) undo() { copyAll(s.now, s.saved) }

func copyAll(dst, src []*tensor.Tensor) {
	for i := range dst {
		copy(dst[i].Data, src[i].Data)
	}
}

// watched is the optimizer state that is looked at.
type watched struct {
	tensors []*tensor.Tensor
	names   []string
}

// watch leaves an average of the weights out, which follows them.
func watch(o *optimizer) watched {
	var w watched
	for _, s := range o.Slots {
		if s.Tensor.DType.IsFloat() && (o.average == nil || !slices.Contains(o.average.mean, s.Tensor)) {
			w.tensors, w.names = append(w.tensors, s.Tensor), append(w.names, s.Name)
		}
	}
	return w
}

// stateEvery is the most steps from one look at all optimizer state to the next. State that a step uses shows in the weights
// of that step. The rest, such as Shampoo's matrices between two decompositions, is looked at after every step where that
// costs less than a hundredth of it: where it is small against the activations, which a step goes over several times.
const (
	stateEvery = 16
	smallState = 32 // times smaller
)

// stateDue reports whether a step is to look at the optimizer's state.
func (t *Trainer) stateDue(step int) bool {
	return step%stateEvery == 0 || smallState*t.StateBytes() <= t.Engine.activations
}

// spoiled looks for weights that are not finite after an update, because it overflowed or its state was not finite, and when
// asked to, or where weights are, at the state.
func (t *Trainer) spoiled(step int, state bool) *NonFinite {
	_, weight := t.grads.norm(t.Engine.Values)
	if weight < 0 && !state {
		return nil
	}
	_, slot := t.grads.norm(t.state.tensors)
	e := &NonFinite{Step: step, Spoiled: true, batch: -1, param: weight}
	switch {
	case weight < 0 && slot < 0:
		return nil
	case weight < 0:
		e.What = fmt.Sprintf("optimizer state %q is not finite", t.state.names[slot])
	default:
		if e.What = fmt.Sprintf("the update made %q not finite", t.Engine.Params[weight].Name); slot >= 0 {
			e.Origin = fmt.Sprintf("optimizer state %q", t.state.names[slot])
		}
	}
	return e
}

package train

import (
	"fmt"
	"math"
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
	// Spoiled says that weights are not finite; otherwise weights, running statistics and optimizer state are those from
	// before the step.
	Spoiled bool

	batch, param int // that it was found in, -1 for none
}

func (e *NonFinite) Error() string {
	text := fmt.Sprintf("step %d: %s", e.Step, e.What)
	if e.Origin != "" {
		text += "; it began at " + e.Origin
	}
	if e.Spoiled {
		return text + ". The weights are spoiled; go on from a checkpoint with --resume"
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
type states struct{ now, saved []*tensor.Tensor }

func newStates(e *Engine) states {
	var s states
	for _, n := range e.states() {
		s.now = append(s.now, n.Tensor)
		s.saved = append(s.saved, n.Tensor.Clone())
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
